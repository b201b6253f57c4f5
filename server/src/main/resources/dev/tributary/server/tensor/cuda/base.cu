// What the kernels share. The files are compiled as one program in the order of CudaKernels.FILES.
//
// A result's bits depend on its row alone: every sum below has one order, given by the row's own
// length. The program is compiled with --fmad=false, so a*b+c is two IEEE operations and fmaf one;
// square root and division are correctly rounded (--prec-sqrt, --prec-div), nothing is flushed to
// zero. A warp has 32 lanes and blocks are multiples of it.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef long long i64;

#define ALL_LANES 0xffffffffu

__device__ __forceinline__ float from_bf16(u32 bits) { return __uint_as_float(bits << 16); }

// Nearest, ties to even; the values are finite.
__device__ __forceinline__ u16 to_bf16(float value) {
  u32 bits = __float_as_uint(value);
  return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// IEEE binary16, finite: the exponent is moved by a multiplication that is exact.
__device__ __forceinline__ float from_f16(u32 bits) {
  float magnitude = __uint_as_float((bits & 0x7fffu) << 13) * __uint_as_float((127u + 112u) << 23);
  return __uint_as_float(__float_as_uint(magnitude) | (bits & 0x8000u) << 16);
}

// Every lane gets the sum: a tree over the distances 16, 8, 4, 2, 1.
__device__ __forceinline__ float warp_sum(float value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(ALL_LANES, value, distance);
  }
  return value;
}

__device__ __forceinline__ float warp_max(float value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, distance));
  }
  return value;
}

// Every thread gets the sum of the block: warps by their trees, then one after the other. `scratch`
// is shared and has a place for each warp.
__device__ __forceinline__ float block_sum(float value, float* scratch) {
  float sum = warp_sum(value);
  __syncthreads();
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = scratch[0];
  for (int warp = 1; warp < blockDim.x / 32; warp++) sum += scratch[warp];
  return sum;
}

__device__ __forceinline__ float block_max(float value, float* scratch) {
  float largest = warp_max(value);
  __syncthreads();
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = largest;
  __syncthreads();
  largest = scratch[0];
  for (int warp = 1; warp < blockDim.x / 32; warp++) largest = fmaxf(largest, scratch[warp]);
  return largest;
}

// The polynomial of Lanes.exp, step by step: within 2 units in the last place on [-87, 88].
__device__ __forceinline__ float exponential(float value) {
  float x = fmaxf(fminf(value, 88.0f), -87.0f);
  float shifted = fmaf(x, 1.44269504f, 12582912.0f);
  float n = shifted - 12582912.0f;
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = fmaf(1.9875691500e-4f, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  p = fmaf(p, r * r, r) + 1.0f;
  u32 power = __float_as_uint(shifted) - __float_as_uint(12582912.0f) + 127u;
  return p * __uint_as_float(power << 23);
}
