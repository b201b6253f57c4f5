/// The Llama-family graph in plain Java over [dev.tributary.server.tensor.Ops], and its backward.
///
/// A [GradientPass] computes losses of [TrainingRow]s and the gradients of their [Trainable]
/// adapters in pieces of a few milliseconds. It shares the weights and the operations of [Llama]
/// and nothing else: no page of its cache, no working memory. A base weight never changes, so no
/// gradient of one is computed.
///
/// How exact gradients are is decided by the products that round to bfloat16. On the default base,
/// relative to autograd in float32: 1.8 and 2.8 percent (two adapters) with all of them rounded,
/// 0.6 percent with the forward's exact, 0.001 percent with none. Half of the forward's part comes
/// from rounding the weights, and nearly all of it from qkv, gate and up, whose inputs have a few
/// large channels; taking inputs in two parts there leaves 1.3 and 1.7 percent, so it is not done.
/// transformers' own bfloat16 run is 5.9 and 11.8 percent off.
///
/// What would bring it below one percent was tried in an emulation of this forward's rounding in
/// torch (1.8 and 2.3 percent as it is): three products (inputs and weights in two parts each) in
/// qkv, gate and up leave 0.8 and 1.2 percent; in all layers 0.5 and 0.5. That takes 2.4 times as
/// many products forward as now, 1.7 times as many of a step, where they are half of the time: by
/// this arithmetic a quarter of the speed (not measured), more than the fifth that it may cost.
/// Treating 16, 64 or 128 of the largest channels exactly leaves 1.2 to 1.5 percent.
///
/// What a base's four bits cost is measured against its source, token by token ([Comparison]). The
/// source is never resident: a [SourcePass] reads its weights layer by layer out of the mapped file
/// and multiplies by them in float32, so nothing of it is rounded, and a source larger than the
/// memory will do. The base takes the narrow path, which is exact, so that what differs is the
/// weights and nothing else: the wide path's rounding, which prompts go through, is not in it.
@NullMarked
package dev.tributary.server.model;

import org.jspecify.annotations.NullMarked;
