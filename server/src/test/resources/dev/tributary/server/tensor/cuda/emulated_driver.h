// The functions of libcuda that the server calls, over emulated_device.h.
//
// Streams are as lazy as the driver may be: work waits until somebody waits for it. Or, if a test
// says so, as eager: it is done at once. So a copy from memory that is used again too early, or work
// that no event holds back, gives wrong results in one of the two. Memory is full of NaN until it is written, and its borders are watched.

#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>

namespace emulated {
enum Result { SUCCESS = 0, INVALID_VALUE = 1, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719 };

struct Stream {
  std::deque<std::function<int()>> waiting;
  uint64_t queued = 0;
  uint64_t run = 0;
  bool eager = false;
};

struct Event {
  Stream* stream = nullptr;
  uint64_t after = 0;
};

static std::recursive_mutex lock;
static std::map<char*, size_t> device_memory;
static std::map<char*, size_t> pinned_memory;
static Stream streams[8];
static int stream_count = 0;
static constexpr size_t BORDER = 256;
static constexpr size_t TOTAL = (size_t)4 << 30;

static bool inside(const std::map<char*, size_t>& memory, const void* at, size_t size) {
  auto next = memory.upper_bound((char*)at);
  if (next == memory.begin()) return false;
  auto region = std::prev(next);
  return (char*)at + size <= region->first + region->second;
}

static bool borders_hold() {
  for (auto& [at, size] : device_memory) {
    for (size_t i = 0; i < BORDER; i++) {
      if (at[-1 - (long)i] != 0x5a || at[size + i] != 0x5a) return false;
    }
  }
  return true;
}

static int run_until(Stream* stream, uint64_t count) {
  while (stream->run < count) {
    auto work = std::move(stream->waiting.front());
    stream->waiting.pop_front();
    stream->run++;
    if (int result = work()) return result;
  }
  return SUCCESS;
}

static int enqueue(void* stream, std::function<int()> work) {
  Stream* to = (Stream*)stream;
  to->waiting.push_back(std::move(work));
  to->queued++;
  return to->eager ? run_until(to, to->queued) : SUCCESS;
}

static int drain() {
  for (int i = 0; i < stream_count; i++) {
    if (int result = run_until(&streams[i], streams[i].queued)) return result;
  }
  return borders_hold() ? SUCCESS : ILLEGAL_ADDRESS;
}
}  // namespace emulated

#define GUARD std::lock_guard<std::recursive_mutex> guard(emulated::lock)
using namespace emulated;

extern "C" {
int cuInit(unsigned) { return SUCCESS; }
int cuDriverGetVersion(int* version) { return *version = 12080, SUCCESS; }
int cuDeviceGetCount(int* count) { return *count = 1, SUCCESS; }
int cuDeviceGet(int* device, int ordinal) {
  return *device = ordinal, ordinal == 0 ? SUCCESS : INVALID_VALUE;
}
int cuDeviceGetName(char* name, int size, int) {
  return strncpy(name, "emulated on the CPU", size), SUCCESS;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75 ? 9 : 0;
  return attribute == 75 || attribute == 76 ? SUCCESS : INVALID_VALUE;
}
int cuDevicePrimaryCtxRetain(void** context, int) { return *context = &lock, SUCCESS; }
int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
int cuCtxSetCurrent(void* context) { return context == &lock ? SUCCESS : INVALID_VALUE; }

int cuMemGetInfo_v2(size_t* free, size_t* total) {
  GUARD;
  *total = *free = TOTAL;
  for (auto& [at, size] : device_memory) *free -= size;
  return SUCCESS;
}

int cuMemAlloc_v2(uint64_t* address, size_t size) {
  GUARD;
  char* block = (char*)aligned_alloc(BORDER, (size + 3 * BORDER - 1) / BORDER * BORDER);
  memset(block, 0x5a, BORDER);
  memset(block + BORDER, 0xff, size);
  memset(block + BORDER + size, 0x5a, BORDER);
  device_memory[block + BORDER] = size;
  *address = (uint64_t)(block + BORDER);
  return SUCCESS;
}

int cuMemFree_v2(uint64_t address) {
  GUARD;
  int result = drain();
  if (!device_memory.erase((char*)address)) return INVALID_VALUE;
  free((char*)address - BORDER);
  return result;
}

int cuMemHostAlloc(void** address, size_t size, unsigned) {
  GUARD;
  *address = calloc(1, size);
  pinned_memory[(char*)*address] = size;
  return SUCCESS;
}

int cuMemFreeHost(void* address) {
  GUARD;
  int result = drain();
  if (!pinned_memory.erase((char*)address)) return INVALID_VALUE;
  free(address);
  return result;
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t size, void* stream) {
  GUARD;
  if (!inside(device_memory, (void*)to, size)) return INVALID_VALUE;
  return enqueue(stream, [=] { return memset((void*)to, value, size), SUCCESS; });
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t size, void* stream) {
  GUARD;
  if (!inside(device_memory, (void*)to, size)) return INVALID_VALUE;
  if (!inside(pinned_memory, from, size)) {  // the driver takes a copy of pageable memory first
    std::string copy((const char*)from, size);
    return enqueue(stream, [=] { return memcpy((void*)to, copy.data(), size), SUCCESS; });
  }
  return enqueue(stream, [=] { return memcpy((void*)to, from, size), SUCCESS; });
}

int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t size, void* stream) {
  GUARD;
  if (!inside(device_memory, (void*)from, size)) return INVALID_VALUE;
  return enqueue(stream, [=] { return memcpy(to, (void*)from, size), SUCCESS; });
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size, void* stream) {
  GUARD;
  if (!inside(device_memory, (void*)from, size) || !inside(device_memory, (void*)to, size)) {
    return INVALID_VALUE;
  }
  return enqueue(stream, [=] { return memmove((void*)to, (void*)from, size), SUCCESS; });
}

int cuStreamCreate(void** stream, unsigned) {
  GUARD;
  if (stream_count == 8) stream_count = 0;  // of a test that is over
  streams[stream_count] = Stream();
  *stream = &streams[stream_count++];
  return SUCCESS;
}

int emulated_eager(void* stream) { return ((Stream*)stream)->eager = true, SUCCESS; }

int cuStreamDestroy_v2(void*) { return SUCCESS; }

int cuStreamSynchronize(void* stream) {
  GUARD;
  int result = run_until((Stream*)stream, ((Stream*)stream)->queued);
  return result ? result : borders_hold() ? SUCCESS : ILLEGAL_ADDRESS;
}

int cuEventCreate(void** event, unsigned) { return *event = new Event(), SUCCESS; }
int cuEventDestroy_v2(void* event) { return delete (Event*)event, SUCCESS; }

int cuEventRecord(void* event, void* stream) {
  GUARD;
  *(Event*)event = {(Stream*)stream, ((Stream*)stream)->queued};
  return SUCCESS;
}

int cuStreamWaitEvent(void* stream, void* event, unsigned) {
  GUARD;
  Event at = *(Event*)event;
  return enqueue(stream, [=] { return run_until(at.stream, at.after); });
}

int cuModuleLoadData(void** module, const void*) { return *module = &lock, SUCCESS; }
int cuModuleUnload(void*) { return SUCCESS; }

int cuModuleGetFunction(void** function, void*, const char* name) {
  for (auto& entry : KERNELS) {
    if (entry.name == name) return *function = (void*)&entry, SUCCESS;
  }
  return NOT_FOUND;
}

int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned threads,
                   unsigned by, unsigned bz, unsigned shared, void* stream, void** arguments,
                   void** extra) {
  GUARD;
  bool fits = gx > 0 && gy > 0 && gz > 0 && gy < 65536 && gz < 65536 && threads > 0
      && threads <= 1024 && threads % 32 == 0 && by == 1 && bz == 1 && shared == 0 && !extra;
  if (!fits) return INVALID_VALUE;
  auto body = ((const Kernel*)function)->bind(arguments);
  return enqueue(stream, [=] {
    return run_grid(body, {(int)gx, (int)gy, (int)gz}, threads) ? SUCCESS : LAUNCH_FAILED;
  });
}

int cuGetErrorName(int code, const char** name) {
  *name = code == INVALID_VALUE     ? "CUDA_ERROR_INVALID_VALUE"
      : code == NOT_FOUND           ? "CUDA_ERROR_NOT_FOUND"
      : code == ILLEGAL_ADDRESS     ? "CUDA_ERROR_ILLEGAL_ADDRESS"
      : code == LAUNCH_FAILED       ? "CUDA_ERROR_LAUNCH_FAILED"
                                    : "CUDA_ERROR_UNKNOWN";
  return SUCCESS;
}
}
