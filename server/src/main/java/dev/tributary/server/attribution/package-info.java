/// Whose data produced an answer: spans, base share, influence, and the index of a version that
/// they are looked up in.
///
/// Two questions are kept apart: where the words of an answer stand in the training data
/// ([SpanIndex]), and whose data caused it ([RidgeTable]). Shares follow from the second; a span
/// only restricts who may receive its tokens' part.
///
/// How influence is measured was chosen by what two adapters (sentence-games and town-guide)
/// showed, so neither is a held-out one; see `bench attribution`:
///
/// - Gradients are of the loss at the base (B = 0), of B alone: at the trained weights memorised
///   examples have vanishing ones. At B = 0 only B has one, and the forward is the base's, whose
///   probabilities the base share needs anyway.
/// - Only the upper third of the layers is asked: a backward pass of a third of the cost, and what
///   comes out on top is as often right as with all of them.
/// - The loss is the plain mean over the answer's tokens. Weighting each token by what the base
///   would not have said of it (a_t) was worse: the phrases that all contributors share are also
///   what the base would not have said. a_t divides the mass, not the gradient.
/// - A gradient is kept as a count sketch ([Sketch]; Charikar et al. 2002) of 512 values for each
///   pair, in bytes. Kernel ridge on sketches of 128 to 2,048 values and on whole gradients agrees
///   on who comes out on top; below 512 the threshold rises, and more stays unattributed.
/// - Scores are those of kernel ridge regression `k_q (K + lambda I)^-1` over unit vectors, with
///   decoys, examples that were never trained on, among the columns: what is common to all texts
///   goes to them, too. The threshold is the largest score that a decoy gets from a training
///   example that is left out, in closed form (`-B_id / B_ii`, `B` the inverse).
/// - Decoys are foreign prompts with foreign answers and the examples' own prompts with foreign
///   answers. Answers of other contributors are no decoys: they were trained on, and as decoys they
///   put the threshold above true scores.
/// - Listing more must not pay (`bench gaming`). Clusters with the same answer to like questions
///   are one ([Repeats]), whoever listed them; without that, copies of others' examples with one
///   word of the question changed took 1.9 times the share. Clusters are scaled by what was learnt
///   of them within the regression, not only in the score.
@NullMarked
package dev.tributary.server.attribution;

import org.jspecify.annotations.NullMarked;
