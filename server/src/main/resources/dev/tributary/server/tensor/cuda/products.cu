// y = x W^T in float32, embedding and dequantising, for every form that weights are held in.
//
// Weights lie as files give them, row by row. A form knows how to widen eight neighbouring inputs
// of one output; the rest does not depend on it.

// Four bits, w = q s + b in groups of 32 inputs; s and b of a group are one word of two float16.
struct Int4Halves {
  const u8* codes;
  const u8* parameters;
  __device__ __forceinline__ void eight(i64 at, int count, float* w) const {
    u32 word = ((const u32*)codes)[at / 8];
    u32 pair = ((const u32*)parameters)[at / 32];
    float s = from_f16(pair & 0xffffu);
    float b = from_f16(pair >> 16);
    for (int i = 0; i < 8; i++) w[i] = fmaf((float)((word >> (4 * i)) & 15u), s, b);
  }
};

// The same where s and b are not float16 numbers.
struct Int4Floats {
  const u8* codes;
  const u8* parameters;
  __device__ __forceinline__ void eight(i64 at, int count, float* w) const {
    u32 word = ((const u32*)codes)[at / 8];
    const float* group = (const float*)parameters + at / 32 * 2;
    for (int i = 0; i < 8; i++) w[i] = fmaf((float)((word >> (4 * i)) & 15u), group[0], group[1]);
  }
};

// Eight bits, w = q s in groups of 32 inputs.
struct Int8 {
  const u8* codes;
  const u8* parameters;
  __device__ __forceinline__ void eight(i64 at, int count, float* w) const {
    float s = ((const float*)parameters)[at / 32];
    for (int i = 0; i < 8; i++) w[i] = (float)((const signed char*)codes)[at + i] * s;
  }
};

// Not quantised; any number of inputs, so the last eight of a row may be fewer.
struct Bf16 {
  const u8* codes;
  const u8* parameters;
  __device__ __forceinline__ void eight(i64 at, int count, float* w) const {
    for (int i = 0; i < 8; i++) w[i] = i < count ? from_bf16(((const u16*)codes)[at + i]) : 0.0f;
  }
};

// Eight neighbours of x, zeros after `count`.
__device__ __forceinline__ void load_eight(const float* x, int count, float* values) {
  if (count == 8 && ((i64)x & 15) == 0) {
    float4 low = ((const float4*)x)[0];
    float4 high = ((const float4*)x)[1];
    values[0] = low.x; values[1] = low.y; values[2] = low.z; values[3] = low.w;
    values[4] = high.x; values[5] = high.y; values[6] = high.z; values[7] = high.w;
  } else {
    for (int i = 0; i < 8; i++) values[i] = i < count ? x[i] : 0.0f;
  }
}

// A warp an output and ROWS rows. A lane takes eight inputs of every 256, then lanes are summed by
// their tree; each row has a sum of its own, so ROWS does not show in a row's bits. Rows past the
// last repeat it and are not stored.
template <int ROWS, class Form>
__device__ __forceinline__ void multiply(
    Form form, int outputs, int inputs, const float* x, int rows, float* y, int stride, int column) {
  int lane = threadIdx.x % 32;
  int output = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  int first = blockIdx.y * ROWS;
  if (output >= outputs) return;
  float sums[ROWS];
  for (int r = 0; r < ROWS; r++) sums[r] = 0;
  for (int k = 8 * lane; k < inputs; k += 256) {
    int count = min(8, inputs - k);
    float w[8];
    form.eight((i64)output * inputs + k, count, w);
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      float values[8];
      load_eight(x + (i64)min(first + r, rows - 1) * inputs + k, count, values);
      for (int i = 0; i < 8; i++) sums[r] = fmaf(values[i], w[i], sums[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    float sum = warp_sum(sums[r]);
    if (lane == 0 && first + r < rows) y[(i64)(first + r) * stride + column + output] = sum;
  }
}

// `form` is the ordinal of CudaLinear.Form.
template <int ROWS>
__device__ __forceinline__ void multiply(
    int form, const u8* codes, const u8* parameters, int outputs, int inputs, const float* x,
    int rows, float* y, int stride, int column) {
  switch (form) {
    case 0:
      multiply<ROWS>(Int4Halves{codes, parameters}, outputs, inputs, x, rows, y, stride, column);
      break;
    case 1:
      multiply<ROWS>(Int4Floats{codes, parameters}, outputs, inputs, x, rows, y, stride, column);
      break;
    case 2:
      multiply<ROWS>(Int8{codes, parameters}, outputs, inputs, x, rows, y, stride, column);
      break;
    default:
      multiply<ROWS>(Bf16{codes, parameters}, outputs, inputs, x, rows, y, stride, column);
  }
}

// Grid: outputs / warps of a block, by rows.
extern "C" __global__ void product_1(
    int form, const u8* codes, const u8* parameters, int outputs, int inputs, const float* x,
    int rows, float* y, int stride, int column) {
  multiply<1>(form, codes, parameters, outputs, inputs, x, rows, y, stride, column);
}

// Grid: outputs / warps of a block, by rows / 8.
extern "C" __global__ void product_8(
    int form, const u8* codes, const u8* parameters, int outputs, int inputs, const float* x,
    int rows, float* y, int stride, int column) {
  multiply<8>(form, codes, parameters, outputs, inputs, x, rows, y, stride, column);
}

__device__ __forceinline__ void eight_of(
    int form, const u8* codes, const u8* parameters, i64 at, int count, float* w) {
  switch (form) {
    case 0: Int4Halves{codes, parameters}.eight(at, count, w); break;
    case 1: Int4Floats{codes, parameters}.eight(at, count, w); break;
    case 2: Int8{codes, parameters}.eight(at, count, w); break;
    default: Bf16{codes, parameters}.eight(at, count, w);
  }
}

// x[i] = table[tokens[i]]. Grid: inputs / 8 / threads, by tokens.
extern "C" __global__ void embed(
    int form, const u8* codes, const u8* parameters, int inputs, const int* tokens, float* x) {
  int k = 8 * (blockIdx.x * blockDim.x + threadIdx.x);
  if (k >= inputs) return;
  int count = min(8, inputs - k);
  float w[8];
  eight_of(form, codes, parameters, (i64)tokens[blockIdx.y] * inputs + k, count, w);
  for (int i = 0; i < count; i++) x[(i64)blockIdx.y * inputs + k + i] = w[i];
}

// w[output][input] in bfloat16, for the wide path. Grid: outputs, by inputs / 8 / threads.
extern "C" __global__ void dequantise(
    int form, const u8* codes, const u8* parameters, int inputs, u16* w16) {
  int k = 8 * (blockIdx.y * blockDim.x + threadIdx.x);
  if (k >= inputs) return;
  i64 at = (i64)blockIdx.x * inputs + k;
  int count = min(8, inputs - k);
  float w[8];
  eight_of(form, codes, parameters, at, count, w);
  for (int i = 0; i < count; i++) w16[at + i] = to_bf16(w[i]);
}
