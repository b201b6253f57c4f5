// What CUDA C needs beyond C++, on a CPU: one block at a time, each thread of it a fiber that runs
// until it meets a barrier or a shuffle. A block whose threads do not all meet is an error, as is a
// warp of which some lanes are gone.

#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <cmath>
#include <functional>
#include <string>
#include <sys/mman.h>
#include <tuple>
#include <ucontext.h>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static  // blocks run one after the other

struct Index {
  int x, y, z;
};
static Index threadIdx, blockIdx, blockDim, gridDim;

struct alignas(16) float4 {
  float x, y, z, w;
};

static inline int min(int a, int b) { return a < b ? a : b; }
static inline float __uint_as_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
static inline uint32_t __float_as_uint(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

namespace emulated {
constexpr int WARP = 32;
constexpr int MAX_THREADS = 1024;
constexpr size_t STACK = 128 << 10;

enum State { RUNNING, AT_BLOCK, AT_WARP, DONE };

struct Fiber {
  jmp_buf at;
  State state;
  bool started;
  int turn;
};

static Fiber fibers[MAX_THREADS];
static jmp_buf scheduler;
static int current;
// Two, in turns: who writes one has met all who read the other.
static float lanes[2][MAX_THREADS];
static const std::function<void()>* kernel;
// The order of a block's threads, each second time: a missing barrier shows in one of the two.
static bool backwards;

// Volatile, so that no compiler reasons about what a barrier leaves unchanged.
static void leave(State state) {
  fibers[current].state = state;
  if (_setjmp(fibers[current].at) == 0) _longjmp(scheduler, 1);
}
static void (*volatile pause)(State) = leave;

static void threads_life() {
  for (;;) {
    (*kernel)();
    pause(DONE);
  }
}

static void resume(int thread) {
  static char* stacks = (char*)mmap(nullptr, MAX_THREADS * STACK, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  static ucontext_t context;
  current = thread;
  threadIdx = {thread, 0, 0};
  Fiber& fiber = fibers[thread];
  fiber.state = RUNNING;
  if (_setjmp(scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.at, 1);
  fiber.started = true;
  getcontext(&context);
  context.uc_stack.ss_sp = stacks + thread * STACK;
  context.uc_stack.ss_size = STACK;
  makecontext(&context, threads_life, 0);
  setcontext(&context);
}

// Lets threads [from, to) go on if all of them are at `state`; false if some are and some never
// will be.
static bool release(int from, int to, State state) {
  int there = 0;
  int done = 0;
  for (int t = from; t < to; t++) {
    there += fibers[t].state == state;
    done += fibers[t].state == DONE;
  }
  if (there > 0 && done > 0) return false;
  if (there == to - from) {
    for (int t = from; t < to; t++) fibers[t].state = RUNNING;
  }
  return true;
}

// Runs a warp until its lanes are at the block's barrier or done, shuffle after shuffle.
static bool run_warp(int from) {
  while (fibers[from].state == RUNNING) {
    for (int i = 0; i < WARP; i++) resume(from + (backwards ? WARP - 1 - i : i));
    if (!release(from, from + WARP, AT_WARP)) return false;
  }
  for (int t = from + 1; t < from + WARP; t++) {
    // Lanes that wait for those that do not come.
    if (fibers[t].state == AT_WARP) return false;
  }
  return true;
}

static bool run_block(int threads) {
  for (int t = 0; t < threads; t++) fibers[t].state = RUNNING;
  while (fibers[0].state == RUNNING) {
    for (int i = 0; i < threads; i += WARP) {
      if (!run_warp(backwards ? threads - WARP - i : i)) return false;
    }
    if (!release(0, threads, AT_BLOCK)) return false;
  }
  return true;
}

static bool run_grid(const std::function<void()>& body, Index grid, int threads) {
  kernel = &body;
  blockDim = {threads, 1, 1};
  gridDim = grid;
  for (int z = 0; z < grid.z; z++) {
    for (int y = 0; y < grid.y; y++) {
      for (int x = 0; x < grid.x; x++) {
        blockIdx = {x, y, z};
        backwards = !backwards;
        if (!run_block(threads)) return false;
      }
    }
  }
  return true;
}

// The arguments are read when the kernel is launched, as the driver does.
template <class... A, size_t... I>
static std::function<void()> bound(void (*f)(A...), void** arguments, std::index_sequence<I...>) {
  std::tuple<A...> values(*(A*)arguments[I]...);
  return [f, values] { std::apply(f, values); };
}

template <class... A>
static std::function<void()> bound(void (*f)(A...), void** arguments) {
  return bound(f, arguments, std::index_sequence_for<A...>{});
}
}  // namespace emulated

static inline void __syncthreads() { emulated::pause(emulated::AT_BLOCK); }

static inline float __shfl_xor_sync(unsigned, float value, int mask) {
  int lane = emulated::current;
  float* lanes = emulated::lanes[emulated::fibers[lane].turn ^= 1];
  lanes[lane] = value;
  emulated::pause(emulated::AT_WARP);
  return lanes[lane ^ mask];
}
