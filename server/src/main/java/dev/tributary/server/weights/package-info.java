/// The files of a model: GGUF and safetensors, read strictly, dequantised or repacked to the forms
/// of [dev.tributary.server.tensor.LinearWeights].
@NullMarked
package dev.tributary.server.weights;

import org.jspecify.annotations.NullMarked;
