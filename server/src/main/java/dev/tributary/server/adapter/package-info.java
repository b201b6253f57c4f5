/// LoRA adapters: reading PEFT folders, checking that they fit the base, keeping their weights in
/// memory while answers use them.
///
/// **Never a silent base answer.** An adapter is served only if every tensor of its file has a
/// place in the base and every module that its configuration names has its tensors ([PeftLayout]),
/// if it states this base ([BaseIdentity]), if all of its numbers are finite, if a probe prompt's
/// logits move under it, and if what `probe.jsonl` says becomes more likely ([EffectProof]).
/// Everything else is an [AdapterRefusal] that names the key, tensor or file.
///
/// **One read.** A request pins a digest. The bytes that are hashed are the bytes that are served:
/// the weights file is read once, into memory, and a file that changed since it was offered is
/// refused, not served under the old digest.
///
/// **Memory.** Weights live off-heap, where the collector does not see how large they are; under
/// load what it had not freed yet came to gigabytes. So they are counted: leases, the cache and
/// pins keep a version in its tier ([ResidentAdapter]), the engine's rows hold what a step may
/// read, and the last to let go frees the memory at once. Eviction never takes weights from a
/// running answer, and what is evicted while in use is found again ([AdapterTiers]).
///
/// **Tiers.** The CPU's kernels read adapters in host memory, so there the device tier is that
/// memory and the host tier is empty.
///
/// **State.** Everything here is rebuilt from the folders at start. Version numbers count the
/// digests that a folder has had since then.
@NullMarked
package dev.tributary.server.adapter;

import org.jspecify.annotations.NullMarked;
