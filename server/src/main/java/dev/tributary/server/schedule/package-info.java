/// Which tokens run in the next step, and by which path. Pure: no tensors, no clock of its own, no
/// threads.
///
/// [Scheduler] is state in, plan out, so that a simulator can drive it through thousands of random
/// arrivals. A [Sequence] is what it moves: a request, the tokens known so far, its pages, and the
/// path each token took. The decisions, by the class that makes them:
///
/// - **Steps** ([Scheduler#plan]): one token of every sequence that decodes, then chunks of prompts
///   up to a budget, which is small while anybody decodes: what is being answered never waits long
///   behind what is being read. Prompts are cut at fixed multiples of the chunk and a chunk is
///   never split.
/// - **Paths** ([PathRuns]): prompts take the wide path always, so that their pages serve whoever
///   shares them and a request alone is answered as before; tokens generated take the one that is
///   faster with the step's width. It is recorded, and whoever computes a token again, after
///   preemption or in a replay, is bound to it. Repeatable sequences take whole chunks of the
///   prompt and the narrow path for the answer, whatever runs beside them.
/// - **Pages** ([Pages]): taken as a sequence grows, not reserved. When none is left the youngest
///   gives all of its up, waits before everybody else, and is then computed again in slices that
///   follow its runs; nothing is sampled a second time. Redoing was chosen over swapping to host
///   memory: on the CPU cache and host memory are the same, and what others still share is found in
///   the prefix cache. Only younger sequences are preempted and none is admitted before those that
///   were, so the oldest always goes on and every sequence becomes the oldest.
/// - **Admission**: who is next enters when what is known of it fits beside what is known of those
///   that run, with a page for each to grow. Nothing overtakes it, else a stream of small requests
///   would starve a large one.
/// - **Prefixes** ([PrefixCache]): full pages are shared by count of holders, never written again,
///   and evicted (unused longest first, ends before beginnings) before anybody is preempted. A key
///   is the tenant, the base, the adapters in order with their scales, the path of every token of
///   the page, and the SHA-256 of the parent's key and the page's tokens. A sequence that takes a
///   page takes over its paths. It takes none from the first token whose logits are wanted on.
/// - **Tenants** ([FairQueue], [VirtualTokens]): who was served least is next; within a tenant the
///   classes count, and neither is passed over for ever. Tokens found in the prefix cache or
///   computed again are not charged. A tenant of twice the weight is charged half. Places that
///   tenants share, such as those of the waiting queue, none can take alone ([SharedPlaces]).
/// - **Adapters**: a request comes here when its adapters are in memory, so a cold one holds no row
///   while it loads. The sequences admitted use at most so many different adapters, since each
///   costs every step the reading of its weights and keeps its memory: a tenant whose next request
///   would exceed that is passed over, others go on with the adapters that are there, and after
///   eight of them nobody does until it fits. So a swarm of cold adapters slows itself down, not
///   those whose adapter is warm.
@NullMarked
package dev.tributary.server.schedule;

import org.jspecify.annotations.NullMarked;
