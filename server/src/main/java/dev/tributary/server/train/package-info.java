/// Contributions to adapter versions: reading them, training on them, storing what comes out.
///
/// **Nothing is dropped silently.** [ContributionReader] counts every line of a file and refuses
/// the file for a line that cannot be trained on, with its number. Exact repeats of a contributor's
/// own example are trained on once and counted.
///
/// **What serving sees.** [ChatTokens] renders prompts as a chat request does, and the target is
/// what should be generated after it, up to the token that ends the turn.
///
/// **Same bits.** What comes out is a function of settings, data, base and the base's numerics
/// ([RunIdentity]), and of nothing else: not of what else is trained in the same run, of how the
/// work was cut into passes, of interruptions or of time. Random numbers are functions of a seed
/// and of what they are for ([Draw]); gradients add up in an order that a member's own
/// micro-batches fix ([Passes]).
///
/// **Several at once.** Members of a run share passes over the base, each with its own data, shape,
/// rate and seed ([Cohort]): sweeps, and the [Subsets] that audits need.
///
/// **Whose thread.** The device's thread belongs to the engine. What must run there is handed to it
/// in short pieces ([Device]), which it runs when no answer waits; everything else, reading and
/// writing files above all, is on the caller's.
///
/// **Ends at any moment.** A member's folder has its last checkpoint, whole, or its result, whole
/// ([Checkpoints], [Results]). What is stored of another run, or damaged, is refused, never
/// overwritten.
///
/// **What it cost.** Every run measures what its adapter forgot on a text about nothing in
/// particular ([GeneralText]), under the values as they are served: rounded to bfloat16.
///
/// **Runs.** [TrainingRuns] has one at a time and keeps the others waiting; a run is in the state
/// and its examples are on disk ([RunFiles]) before its caller hears of it, so that it outlives the
/// process. Nothing is published of which anything was withdrawn.
///
/// **What is kept of examples.** Their lines, so that a version can be built again without what was
/// withdrawn. A withdrawal empties the contribution's line in every manifest that has it before its
/// caller is answered, and a start does what an end of the process kept it from; the other lines
/// stay in their places. A tenant's retention and the erasure of generations are about answers and
/// reach no example: examples go by withdrawal, or with their tenant. Another contribution of the
/// same text is its own contributor's to withdraw.
@NullMarked
package dev.tributary.server.train;

import org.jspecify.annotations.NullMarked;
