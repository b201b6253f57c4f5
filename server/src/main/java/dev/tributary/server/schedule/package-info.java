/// Which rows run in the next step. Pure: no tensors, no clock of its own, no threads.
///
/// [Scheduler] is state in, plan out, so that a simulator can drive it through thousands of random
/// arrivals. Its decisions:
///
/// - A step is one token of every sequence that decodes, then chunks of prompts up to the token
///   budget: what is being answered never waits behind what is being read.
/// - Prompts are cut at fixed multiples of the chunk and a chunk is never split, so how a prompt is
///   computed doesn't depend on the company it is in.
/// - Admission reserves the pages of prompt and answer together ([Pages]). A running sequence can
///   therefore never run out and needs no preemption; the price is that pages of answers not yet
///   written lie idle. Paging on demand with preemption is to replace it.
/// - Whoever is next by class and age waits for its pages and nothing overtakes it, else a stream
///   of small requests would starve a large one.
@NullMarked
package dev.tributary.server.schedule;

import org.jspecify.annotations.NullMarked;
