// Norms and element-wise operations.

// y = x / sqrt(mean(x^2) + epsilon) * weight. A block of 256 threads a row.
extern "C" __global__ void rms_norm(
    const float* x, const float* weight, float epsilon, int columns, float* y) {
  __shared__ float scratch[8];
  const float* in = x + (i64)blockIdx.x * columns;
  float* out = y + (i64)blockIdx.x * columns;
  float squares = 0;
  for (int j = threadIdx.x; j < columns; j += blockDim.x) squares = fmaf(in[j], in[j], squares);
  float sum = block_sum(squares, scratch);
  float scale = 1.0f / sqrtf(sum / columns + epsilon);
  for (int j = threadIdx.x; j < columns; j += blockDim.x) out[j] = in[j] * scale * weight[j];
}

// y = silu(gate) * up; gate_up: [rows, 2 columns]. Grid: columns by rows, here and below.
extern "C" __global__ void swiglu(const float* gate_up, int columns, float* y) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  i64 row = blockIdx.y;
  if (j >= columns) return;
  float gate = gate_up[row * 2 * columns + j];
  float up = gate_up[row * 2 * columns + columns + j];
  y[row * columns + j] = gate / (exponential(-gate) + 1.0f) * up;
}

extern "C" __global__ void add(float* x, const float* delta, int columns) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= columns) return;
  i64 at = (i64)blockIdx.y * columns + j;
  x[at] = x[at] + delta[at];
}

extern "C" __global__ void add_bias(float* y, const float* bias, int columns) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= columns) return;
  i64 at = (i64)blockIdx.y * columns + j;
  y[at] = y[at] + bias[j];
}

// float32 to bfloat16.
extern "C" __global__ void narrow(const float* x, int columns, u16* y) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= columns) return;
  i64 at = (i64)blockIdx.y * columns + j;
  y[at] = to_bf16(x[at]);
}

// bfloat16 [rows, columns] to float32, into columns of y from `column` on; y has `stride` columns.
extern "C" __global__ void widen(const u16* x, int columns, float* y, int stride, int column) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= columns) return;
  y[(i64)blockIdx.y * stride + column + j] = from_bf16(x[(i64)blockIdx.y * columns + j]);
}
