// Rotation, the write to the paged cache, and causal attention over its pages.
//
// The cache's layout is KvCache's: keys [layer][page][kv head][dim][slot], values
// [layer][page][kv head][slot][dim], 16 slots a page. `keys` and `values` point at the layer.

#define PAGE 16
// Positions that one block of attend_part takes: the cut is by position alone.
#define PART 256
#define MAX_HEAD_DIM 512

// Where a row of the step stands.
struct RowPlace {
  int position;
  int pages;  // index of its sequence's first page in the page table
};

// A block of 128 threads a row and head; queries first, then keys, then values. Queries and keys
// are normalised (if there are weights) and rotated in place; keys and values go to the cache.
extern "C" __global__ void rotate_and_store(
    float* qkv, const RowPlace* places, const int* pages, const float* turns, int turning,
    const float* query_norm, const float* key_norm, float epsilon, int heads, int kv_heads,
    int head_dim, float* keys, float* values) {
  __shared__ float scratch[4];
  __shared__ float head[MAX_HEAD_DIM];
  int row = blockIdx.x;
  int h = blockIdx.y;
  float* at = qkv + ((i64)row * (heads + 2 * kv_heads) + h) * head_dim;
  for (int d = threadIdx.x; d < head_dim; d += blockDim.x) head[d] = at[d];
  __syncthreads();
  if (h < heads + kv_heads) {
    if (query_norm) {
      const float* weight = h < heads ? query_norm : key_norm;
      float squares = 0;
      for (int d = threadIdx.x; d < head_dim; d += blockDim.x) {
        squares = fmaf(head[d], head[d], squares);
      }
      float sum = block_sum(squares, scratch);
      float scale = 1.0f / sqrtf(sum / head_dim + epsilon);
      for (int d = threadIdx.x; d < head_dim; d += blockDim.x) head[d] = head[d] * scale * weight[d];
      __syncthreads();
    }
    // turns: [row][cosines, sines], `turning` of each.
    const float* cosines = turns + (i64)row * 2 * turning;
    const float* sines = cosines + turning;
    for (int d = threadIdx.x; d < turning; d += blockDim.x) {
      float first = head[d];
      float second = head[turning + d];
      head[d] = first * cosines[d] - second * sines[d];
      head[turning + d] = second * cosines[d] + first * sines[d];
    }
    __syncthreads();
    for (int d = threadIdx.x; d < head_dim; d += blockDim.x) at[d] = head[d];
  }
  if (h < heads) return;
  int position = places[row].position;
  int slot = position % PAGE;
  i64 page = pages[places[row].pages + position / PAGE];
  bool key = h < heads + kv_heads;
  int kv = key ? h - heads : h - heads - kv_heads;
  i64 to = (page * kv_heads + kv) * head_dim * PAGE;
  for (int d = threadIdx.x; d < head_dim; d += blockDim.x) {
    if (key) {
      keys[to + d * PAGE + slot] = head[d];
    } else {
      values[to + slot * head_dim + d] = head[d];
    }
  }
}

// Attention of one row and kv head over one part of the row's positions, for all query heads that
// share the kv head: partial [row][head][part][largest score, sum of weights, weighted values].
// A block of 128 threads; the heads of a group one after the other, so that all but the first find
// keys and values in the cache of the processor.
extern "C" __global__ void attend_part(
    const float* qkv, int first_row, const RowPlace* places, const int* pages, int heads,
    int kv_heads, int head_dim, const float* keys, const float* values, int parts, float* partial) {
  __shared__ float scratch[4];
  __shared__ float query[MAX_HEAD_DIM];
  __shared__ float weights[PART];
  int row = first_row + blockIdx.x;
  int kv = blockIdx.y;
  int length = places[row].position + 1;
  int from = blockIdx.z * PART;
  if (from >= length) return;
  int count = min(PART, length - from);
  const int* table = pages + places[row].pages + from / PAGE;
  int group = heads / kv_heads;
  float scale = 1.0f / sqrtf((float)head_dim);
  for (int h = kv * group; h < (kv + 1) * group; h++) {
    const float* q = qkv + ((i64)row * (heads + 2 * kv_heads) + h) * head_dim;
    for (int d = threadIdx.x; d < head_dim; d += blockDim.x) query[d] = q[d] * scale;
    __syncthreads();
    float largest = -3.4e38f;
    for (int t = threadIdx.x; t < count; t += blockDim.x) {
      const float* key = keys + ((i64)table[t / PAGE] * kv_heads + kv) * head_dim * PAGE + t % PAGE;
      float even = 0;
      float odd = 0;
      for (int d = 0; d < head_dim; d += 2) {
        even = fmaf(query[d], key[d * PAGE], even);
        odd = fmaf(query[d + 1], key[(d + 1) * PAGE], odd);
      }
      weights[t] = even + odd;
      largest = fmaxf(largest, weights[t]);
    }
    largest = block_max(largest, scratch);
    float sum = 0;
    for (int t = threadIdx.x; t < count; t += blockDim.x) {
      weights[t] = exponential(weights[t] - largest);
      sum += weights[t];
    }
    sum = block_sum(sum, scratch);
    float* out = partial + (((i64)blockIdx.x * heads + h) * parts + blockIdx.z) * (head_dim + 2);
    if (threadIdx.x == 0) {
      out[0] = largest;
      out[1] = sum;
    }
    for (int d = threadIdx.x; d < head_dim; d += blockDim.x) {
      float weighted = 0;
      for (int t = 0; t < count; t++) {
        i64 value = ((i64)table[t / PAGE] * kv_heads + kv) * head_dim * PAGE + t % PAGE * head_dim;
        weighted = fmaf(values[value + d], weights[t], weighted);
      }
      out[2 + d] = weighted;
    }
  }
}

// Joins the parts of a row and head, first to last. A block of 128 threads.
extern "C" __global__ void attend_join(
    const float* partial, int first_row, const RowPlace* places, int heads, int head_dim, int parts,
    float* y) {
  int row = first_row + blockIdx.x;
  int h = blockIdx.y;
  int own = places[row].position / PART + 1;
  const float* in = partial + ((i64)blockIdx.x * heads + h) * parts * (head_dim + 2);
  float largest = in[0];
  for (int p = 1; p < own; p++) largest = fmaxf(largest, in[p * (head_dim + 2)]);
  float total = 0;
  for (int p = 0; p < own; p++) {
    const float* part = in + p * (head_dim + 2);
    total = fmaf(part[1], exponential(part[0] - largest), total);
  }
  for (int d = threadIdx.x; d < head_dim; d += blockDim.x) {
    float sum = 0;
    for (int p = 0; p < own; p++) {
      const float* part = in + p * (head_dim + 2);
      sum = fmaf(part[2 + d], exponential(part[0] - largest), sum);
    }
    y[((i64)row * heads + h) * head_dim + d] = sum / total;
  }
}
