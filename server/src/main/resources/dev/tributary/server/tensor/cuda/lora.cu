// y = output_scale * (y + sum of scale B (A x)) for rows with different adapters, in two passes.
//
// Adapters lie in a pool of pages of one size; a matrix is a table of page numbers. A row pays for
// its own ranks only.

#define POOL_SHIFT 12
// Rows that one block takes with one reading of A or B.
#define LORA_ROWS 8

// One low-rank pair of one segment: LoraPlan writes these.
struct LoraTerm {
  const int* a;   // pages of A, [rank, inputs]
  const int* bt;  // pages of B transposed, [rank, width]
  int a_bf16;     // element type: 1 bfloat16, 0 float32
  int bt_bf16;
  int rank;
  int width;
  int column;   // of y, where the pair's outputs begin
  int hidden;   // of its first rank among those of the segment's rows
  int segment;
  float scale;
};

struct LoraSegment {
  int from;  // rows
  int to;
  int first_term;
  int end_term;
  int ranks;   // of all its terms
  int unused;
  i64 hidden;  // index of its first row's first rank
  const float* output_scale;  // [columns of y], or null
};

__device__ __forceinline__ float pooled(const u8* pool, const int* pages, i64 index, int bf16) {
  i64 byte = bf16 ? 2 * index : 4 * index;
  const u8* at = pool + ((i64)pages[byte >> POOL_SHIFT] << POOL_SHIFT)
      + (byte & ((1 << POOL_SHIFT) - 1));
  return bf16 ? from_bf16(*(const u16*)at) : *(const float*)at;
}

// hidden = A x: a warp a rank of a term, for up to 8 rows. Grid: terms, ranks / warps of a block,
// rows / 8.
extern "C" __global__ void lora_down(
    const u8* pool, const LoraTerm* terms, const LoraSegment* segments, const float* x, int inputs,
    float* hidden) {
  LoraTerm term = terms[blockIdx.x];
  LoraSegment segment = segments[term.segment];
  int lane = threadIdx.x % 32;
  int r = blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32;
  int first = segment.from + blockIdx.z * LORA_ROWS;
  if (r >= term.rank || first >= segment.to) return;
  float sums[LORA_ROWS];
  for (int i = 0; i < LORA_ROWS; i++) sums[i] = 0;
  for (int k = lane; k < inputs; k += 32) {
    float a = pooled(pool, term.a, (i64)r * inputs + k, term.a_bf16);
#pragma unroll
    for (int i = 0; i < LORA_ROWS; i++) {
      sums[i] = fmaf(x[(i64)min(first + i, segment.to - 1) * inputs + k], a, sums[i]);
    }
  }
#pragma unroll
  for (int i = 0; i < LORA_ROWS; i++) {
    float sum = warp_sum(sums[i]);
    if (lane == 0 && first + i < segment.to) {
      i64 row = first + i - segment.from;
      hidden[segment.hidden + row * segment.ranks + term.hidden + r] = sum;
    }
  }
}

// y += scale B hidden, the terms of a row in their order, added up before they meet y. A thread a
// column, for up to 8 rows. Grid: columns / threads, segments, rows / 8.
extern "C" __global__ void lora_up(
    const u8* pool, const LoraTerm* terms, const LoraSegment* segments, const float* hidden,
    float* y, int columns) {
  LoraSegment segment = segments[blockIdx.y];
  int n = blockIdx.x * blockDim.x + threadIdx.x;
  int first = segment.from + blockIdx.z * LORA_ROWS;
  if (n >= columns || first >= segment.to) return;
  float sums[LORA_ROWS];
  for (int i = 0; i < LORA_ROWS; i++) sums[i] = 0;
  for (int t = segment.first_term; t < segment.end_term; t++) {
    LoraTerm term = terms[t];
    int own = n - term.column;
    if (own < 0 || own >= term.width) continue;
    for (int r = 0; r < term.rank; r++) {
      float b = pooled(pool, term.bt, (i64)r * term.width + own, term.bt_bf16);
#pragma unroll
      for (int i = 0; i < LORA_ROWS; i++) {
        i64 row = min(first + i, segment.to - 1) - segment.from;
        float h = hidden[segment.hidden + row * segment.ranks + term.hidden + r] * term.scale;
        sums[i] = fmaf(b, h, sums[i]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < LORA_ROWS; i++) {
    if (first + i < segment.to) {
      i64 at = (i64)(first + i) * columns + n;
      float sum = y[at] + sums[i];
      y[at] = segment.output_scale ? sum * segment.output_scale[n] : sum;
    }
  }
}
