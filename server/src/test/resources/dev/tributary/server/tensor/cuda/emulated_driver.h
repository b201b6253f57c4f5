// The functions of libcuda that the server calls, over emulated_device.h.
//
// Streams are as lazy as the driver may be: work waits until somebody waits for it. Or, if a test
// says so, as eager: it is done at once. So a copy from memory that is used again too early, or work
// that no event holds back, gives wrong results in one of the two. Memory is full of NaN until it is written, and its borders are watched.

#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace emulated {
enum Result { SUCCESS = 0, INVALID_VALUE = 1, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719,
  CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, WRONG_THREAD = 908 };

// Work with the arguments that it had when it was captured.
struct Graph {
  std::deque<std::function<int()>> work;
};

struct Stream {
  std::deque<std::function<int()>> waiting;
  Graph* capture = nullptr;  // that what comes is added to instead
  std::thread::id capturer;
  bool invalid = false;  // the capture
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
constexpr int MOST_STREAMS = 24;
static Stream streams[MOST_STREAMS];
static int stream_count = 0;
static std::set<Graph*> executables;
static int failing_captures = 0;
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
  if (to->capture) return to->capture->work.push_back(std::move(work)), SUCCESS;
  to->waiting.push_back(std::move(work));
  to->queued++;
  return to->eager ? run_until(to, to->queued) : SUCCESS;
}

// A thread that captures may not call what isn't part of a stream's work: that ends its capture.
static bool capturing() {
  bool any = false;
  for (int i = 0; i < stream_count; i++) {
    Stream& stream = streams[i];
    bool own = stream.capture && stream.capturer == std::this_thread::get_id();
    stream.invalid |= own;
    any |= own;
  }
  return any;
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
// Launches of kernels (those captured too), of graphs, graphs that can be launched.
long emulated_counts[3];

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
  if (capturing()) return CAPTURE_UNSUPPORTED;
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
  if (capturing()) return CAPTURE_UNSUPPORTED;
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
  if (stream_count == MOST_STREAMS) stream_count = 0;  // of a test that is over
  streams[stream_count] = Stream();
  *stream = &streams[stream_count++];
  return SUCCESS;
}

int emulated_eager(void* stream) { return ((Stream*)stream)->eager = true, SUCCESS; }

int cuStreamDestroy_v2(void*) { return SUCCESS; }

int cuStreamSynchronize(void* stream) {
  GUARD;
  if (((Stream*)stream)->capture) {
    ((Stream*)stream)->invalid = true;
    return CAPTURE_UNSUPPORTED;
  }
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
  emulated_counts[0]++;
  auto body = ((const Kernel*)function)->bind(arguments);
  return enqueue(stream, [=] {
    return run_grid(body, {(int)gx, (int)gy, (int)gz}, threads) ? SUCCESS : LAUNCH_FAILED;
  });
}

int cuStreamBeginCapture_v2(void* stream, int mode) {
  GUARD;
  Stream* on = (Stream*)stream;
  if (on->capture || mode != 1) return INVALID_VALUE;
  on->capture = new Graph();
  on->capturer = std::this_thread::get_id();
  on->invalid = failing_captures > 0;
  failing_captures -= on->invalid;
  return SUCCESS;
}

int cuStreamEndCapture(void* stream, void** graph) {
  GUARD;
  Stream* on = (Stream*)stream;
  *graph = nullptr;
  if (!on->capture) return INVALID_VALUE;
  if (on->capturer != std::this_thread::get_id()) return WRONG_THREAD;
  Graph* captured = on->capture;
  on->capture = nullptr;
  if (on->invalid) return delete captured, CAPTURE_INVALIDATED;
  *graph = captured;
  return SUCCESS;
}

int cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long flags) {
  GUARD;
  if (!graph || flags) return INVALID_VALUE;
  Graph* copy = new Graph(*(Graph*)graph);
  executables.insert(copy);
  emulated_counts[2]++;
  return *executable = copy, SUCCESS;
}

int cuGraphDestroy(void* graph) {
  GUARD;
  return delete (Graph*)graph, SUCCESS;
}

int cuGraphLaunch(void* executable, void* stream) {
  GUARD;
  if (!executables.count((Graph*)executable)) return INVALID_VALUE;
  emulated_counts[1]++;
  for (auto& work : ((Graph*)executable)->work) {
    if (int result = enqueue(stream, work)) return result;
  }
  return SUCCESS;
}

// What was launched keeps its work and runs on.
int cuGraphExecDestroy(void* executable) {
  GUARD;
  if (!executables.erase((Graph*)executable)) return INVALID_VALUE;
  emulated_counts[2]--;
  return delete (Graph*)executable, SUCCESS;
}

// Lets the next captures fail.
int emulated_fail_captures(int count) { return failing_captures = count, SUCCESS; }

int cuGetErrorName(int code, const char** name) {
  *name = code == INVALID_VALUE     ? "CUDA_ERROR_INVALID_VALUE"
      : code == NOT_FOUND           ? "CUDA_ERROR_NOT_FOUND"
      : code == ILLEGAL_ADDRESS     ? "CUDA_ERROR_ILLEGAL_ADDRESS"
      : code == CAPTURE_UNSUPPORTED ? "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"
      : code == CAPTURE_INVALIDATED ? "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"
      : code == LAUNCH_FAILED       ? "CUDA_ERROR_LAUNCH_FAILED"
                                    : "CUDA_ERROR_UNKNOWN";
  return SUCCESS;
}
}
