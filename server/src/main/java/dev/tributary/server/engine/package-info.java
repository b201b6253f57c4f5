/// The one loop that owns the device: schedule, run, sample, publish.
///
/// - [EngineLoop] is a duty cycle on one platform thread; all state of running rows is confined to
///   it. Callers hand rows over through a bounded [Inbox] and hear back through [Observer]s that
///   must not block: a row never waits for its reader.
/// - Which tokens run is decided by [dev.tributary.server.schedule.Scheduler], which knows no
///   tensors; what they compute by a [dev.tributary.server.model.StepRunner], which knows no
///   requests; here the two meet. The scheduler moves a row's
///   [dev.tributary.server.schedule.Sequence]; the [Row] says what becomes of its logits.
/// - The rows of a step are sampled together on the runner's workers, to which the loop's thread
///   lends them until all are done. What a row yields depends on its request and on the path that
///   each of its tokens took, on nothing else: scratch ([Sampler]) is a worker's, state the row's,
///   random numbers are a function of seed and position ([Philox]), sums have a fixed order
///   ([Softmax]). [Observer.Finished] carries the paths, and a [Job] that is given them yields the
///   same bits, alone or in any company; a repeatable one yields the same bits always.
/// - A generation tells with what probability it drew each token ([DrawnTokens]); a [LikelihoodJob]
///   asks with what probability others would have: the two are one function of logits and request,
///   so with the same adapters and paths they are the same bits.
/// - Logits are asked for and read once a token, however often its keys and values are computed.
/// - What no answer waits for, training say, runs in short pieces between steps, on this thread
///   since the device is its own, and in a bounded share of the time ([Background]).
/// - Cancellation, deadlines and drain are looked at between steps, so a row is freed within one.
@NullMarked
package dev.tributary.server.engine;

import org.jspecify.annotations.NullMarked;
