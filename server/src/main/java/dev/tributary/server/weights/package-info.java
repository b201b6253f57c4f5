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
/// **Codes are kept.** Q4_0, Q4_1 and Q4_K are w = (q - 8) s + z already; only s and z are rounded
/// to bfloat16. Of the neighbours of s, the one is taken that costs least over the group's 32
/// weights with the best z beside it. On the default model's 210 Q4_1 matrices, the root mean
/// square of the change is 0.182% of that of the weights (0.197% with s and z rounded each by
/// itself); quantising to 4 bits has cost about 8.2% before.
@NullMarked
package dev.tributary.server.weights;

import org.jspecify.annotations.NullMarked;
