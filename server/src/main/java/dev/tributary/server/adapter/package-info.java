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
/// memory and the host tier is empty. A GPU's pool takes an adapter when a step first uses it and
/// gives it up when others need the room: what the pool has not, or not any more, is in the host
/// tier. Moves between these two cost no load and are told to nobody; who asks where a version is
/// hears it.
///
/// **Builds.** Weights are used only once what they were built of is recorded ([Builds]), whichever
/// way the version came.
///
/// **Loads and steps.** Whoever waits for a token must not wait for somebody's load. Loaders have
/// the least priority, and while rows are in work they read, hash, check and copy in pieces of
/// [Pace], with rests between: a load then takes several times as long, the steps hardly longer.
/// Its proof is one short row of one step. What loads is compiled before the first needs it
/// ([Rehearsal]).
///
/// **Names.** Which names, versions and aliases there are is in `state.db` alone; [Resolver] leads
/// from what a caller names to one version, and never looks at another tenant's. The adapters of
/// offered folders are versions of tenant `public` whose files stay where they are
/// ([OfferedFolders]); why a folder is refused is found anew after a restart.
///
/// **Files.** All other versions lie in a store by tenant and digest ([VersionFiles]). Uploads and
/// imports gather in [Staging], and become visible last of all, after their digests, their form and
/// their effect were checked ([Intake]). Every change of the disk goes through [Disk], in an order
/// in which an end between any two steps leaves whole versions or garbage, and nothing else; the
/// garbage is taken away at the next start. An upload ends in the transaction that makes its
/// version, so that it never makes two. A stored version that is found damaged is moved to
/// quarantine and never served again.
@NullMarked
package dev.tributary.server.adapter;

import org.jspecify.annotations.NullMarked;
