/// The files of a model: GGUF and safetensors, read strictly, dequantised or repacked to the forms
/// of [dev.tributary.server.tensor.LinearWeights].
///
/// - [Gguf] and [HfDirectory] are the two kinds of [Checkpoint]; [Safetensors] is one file of the
///   latter, or of an adapter. Whatever they say is checked against the file before it is believed;
///   what is malformed or unknown is a [FormatException] that names file and byte.
/// - A [StoredTensor] is dequantised bit for bit as ggml does it, or becomes the weights of a
///   linear layer by [StoredTensor#toLinear]; [LinearStack] joins layers, [Quantizer] makes 4-bit
///   weights of 16- and 32-bit ones.
/// - Tensors stay in the mapped file until they are converted.
///
/// **Codes are kept.** Q4_0, Q4_1 and Q4_K are w = (q - 8) s + z already; s and z are kept in
/// float32, so nothing of them is lost. (Rounded to bfloat16, as libtorch's int4 matmul wants them,
/// they change the default model's weights by 0.18% of their root mean square.)
@NullMarked
package dev.tributary.server.weights;

import org.jspecify.annotations.NullMarked;
