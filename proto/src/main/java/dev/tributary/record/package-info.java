/// The ledger's records, to the byte: what stands in the log's leaves, what is kept in private
/// beside them, and the receipts that prove them. A stranger can write a verifier from this text.
///
/// Only the JDK and `dev.tributary.tlog` are needed, and no network. All that is refused is refused
/// with a [RecordException].
///
/// ## Values
///
/// Everything has one encoding, and every decoder refuses what it wouldn't write.
///
/// | in the tables below | bytes |
/// |---|---|
/// | `u8`, `u16`, `u32`, `u64` | unsigned, most significant byte first |
/// | `u31`, `u63` | `u32`, `u64` with the highest bit 0 |
/// | `i32` | two's complement |
/// | `f32` | the IEEE 754 bits as `u32`; finite |
/// | `hash` | 32 bytes |
/// | `text` | `u32` length in bytes, then well-formed UTF-8 |
/// | `T*` | `u32` count, then as many T |
/// | `T?` | `u8` 0 for none, or `u8` 1 and T |
/// | `choice` | `u8`, place in the list given, from 1 |
/// | `hour` | `u32` hours since 1970 in UTC |
///
/// SHA-256 is the only digest; "root over" means the root of an RFC 6962 tree over these entries (a
/// leaf's hash is SHA-256(0 || entry), a node's SHA-256(1 || left || right), and the tree of none
/// is SHA-256 of nothing).
///
/// ## Leaf
///
/// An entry of the log, at most 65,535 bytes:
///
/// ```
/// "TL"  u16 schema, 1  u8 kind  nonce[16], random  open part  hash root of the salted fields
/// ```
///
/// The open part has no length of its own: it is what remains. The design's first sketch of a leaf
/// was `{schema, kind, nonce, root}` alone. **Fields that are open to all stand in clear in the
/// leaf instead, on purpose**: with no more than the log's entries, an auditor recomputes
/// settlements and finds generations with no attribution, or with two.
///
/// The open part is `u8` 0 and the kind's open fields where these fit, that is up to 65,481 bytes
/// of them. Longer ones are cut into chunks of 65,446 bytes (the last one shorter), at most 128.
/// Each chunk is the open part of a CONTINUATION leaf:
///
/// ```
/// hash root over the chunks  u16 number of this one, from 0  u16 how many  chunk
/// ```
///
/// and that of the main leaf is `u8` 1, `u31` bytes in all, `u16` chunks, `hash` root over the
/// chunks. The continuations are appended before the main leaf, in their order; other leaves may
/// stand between.
///
/// ## Salted fields
///
/// Tenants, tokens, counts, names, times below the hour: all else is private, and whatever is
/// derived from private text is as private as the text. The leaf only commits to it. With a salt of
/// 32 random bytes, drawn for each field of each leaf,
///
/// ```
/// commitment = SHA-256(u8 length of tag || tag || salt || u64 length of data || data)
/// ```
///
/// and the root is that over the commitments (the 32 bytes are the entry) in the order of the
/// tables below. A kind always has all of its fields, so that their number tells nothing; what is
/// absent has empty data. A tag is the kind in lower case, a dot and the field's name, such as
/// `generation.prompt`. Kinds without salted fields have the root over none.
///
/// Fields of one `text`, and bytes that are the whole field, have no length before them.
///
/// ## Kinds
///
/// | kind | code | open fields | salted fields, in order |
/// |---|---|---|---|
/// | contribution | 1 | hour | contributor: UTF-8; example: hash, see [ContributionRecord#digest]; licence, dataset: UTF-8; time |
/// | withdrawal | 2 | hour, u63 contribution leaf | contributor, reason: UTF-8; time |
/// | erasure | 3 | hour, u63 erased leaf | tenant, cause: UTF-8; time |
/// | adapter_build | 4 | hour, hash adapter, hash base, hash manifest, choice TRAINED_HERE, REPRODUCED, CLAIMED, text method, text thresholds, hash? index | tenant, name: UTF-8; number: u31; settings: UTF-8; pseudonym_key: 32 bytes |
/// | started | 5 | hour | id, tenant: UTF-8; adapters: use*; time |
/// | generation | 6 | hour | see below |
/// | attribution | 7 | hour, u63 generation leaf, text method, shares | contributors: text* in the order of the shares; spans: (u31 start, u31 end, u31* indices of shares)*; evidence: bytes |
/// | audit | 8 | hour, u63 generation leaf, choice REPLAY, COUNTERFACTUAL, choice CALLER, BEACON, OPERATOR_CHOSEN, text result | asked_by: UTF-8; time; detail: UTF-8 |
/// | price_rule | 9 | hour from which it holds, text currency, u63 and u63 micros per 1,000,000 prompt and completion tokens, u31 contributors' part in ppm | tenant, note: UTF-8 |
/// | settlement | 10 | hour, hour from, hour to (exclusive), u63 first and u63 last leaf, text currency, u63 fees, u63 credited, u63 unattributed, hash root of the lines | lines: (salt[32], u32 length, line)* |
/// | correction | 11 | hour, u63 generation leaf, u63 leaf that counts no more, shares | reason: UTF-8; contributors: text*; time |
/// | key_rotation | 12 | text old vkey, text new vkey, u63 size, signature[64] by the old key, signature[64] by the new | none |
/// | continuation | 13 | see above | none |
///
/// - `time`: u63 microseconds since 1970. The open hour is that of the time, where there is one; a
///   generation's is that of its end.
/// - `use`: text `tenant/name`, u31 version number, hash digest, f32 scale.
/// - `shares`: (pseudonym[16], u31 ppm from 1)*, u31 base ppm, u31 unattributed ppm. A pseudonym is
///   there once; the sum is 1,000,000. It is the first 16 bytes of HMAC-SHA-256(the adapter build's
///   pseudonym_key, the contributor's name in UTF-8).
/// - A settlement's line is text tenant of the adapter, text contributor, hash adapter, u63
///   generations, u63 sum of ppm, u63 micros. It is committed to with its own salt under the tag
///   `settlement.line`, and the open root is that over these commitments, so that each contributor
///   can be shown their lines alone.
/// - Both signatures of a rotation are over the four lines (each with its newline)
///   `tributary-key-rotation-v1`, old vkey, new vkey, size. The old key signs checkpoints of up to
///   `size` leaves, the new one larger ones. The rotation's leaf index is at most `size`.
///
/// A generation's fields: id: UTF-8; started: u63 leaf; tenant: UTF-8; base: hash; adapters: use*;
/// sampling (below); prompt, output: u31 each token, up to the field's end; usage: u31 prompt, u31
/// cached, u31 completion tokens; end: choice of [EndReason]; numerics: UTF-8; paths: (u8 1 if
/// wide, u31 tokens)*, at most 1,024; logprobs: i32 alternatives asked for, -1 for no log
/// probabilities; logprobs_digest: hash or empty; flags: u8, bit 0 echo, bit 1 repeatable; time:
/// start and end. Base and sampling are empty only for INTERRUPTED.
///
/// Sampling: u31 max_tokens, f32 temperature, u31 top_k, f32 top_p, f32 min_p, f32 repetition, f32
/// presence, f32 frequency penalty, u64 seed, text* stop, u31* stop token ids, (u31 token, f32
/// bias)* ascending by token.
///
/// An attribution's evidence, where its method has one ([Evidence] says how shares follow from it):
///
/// ```
/// u8 version, 1  choice NONE, TOO_LONG, BACKLOG, NO_INFLUENCE, SEVERAL_ADAPTERS, EMPTY
/// u31 threshold  token*  text* contributors  source*  span*
/// ```
///
/// A token is `u8` 0 for a mass of 0, `u8` 1 for 65,536, `u8` 2 for one that logit_bias changed,
/// else `u8` 3 and the mass as `u16`. A source is u31 cluster, u31 contributor, i32 score; a span
/// is u31 first token, u31 first token after it, u31 first byte, u31 first byte after it, u31
/// places, u31* sources, u8 1 if it is an echo and else 0. Sources ascend by cluster, a span's
/// sources by their index, and spans by their four positions, each without repetition.
///
/// Golden bytes of every kind are made by `.ci/goldens/records.py`, those of evidence with its
/// shares by `.ci/goldens/evidence.py`; they share no code with this.
///
/// ## Sealed record
///
/// What the side store keeps, encrypted, of one record: `"TS"`, u16 schema 1, leaves (u32 length,
/// leaf)* with the main one last, and salted fields (salt[32], u32 length, data)*. Tags follow from
/// the kind.
///
/// ## Receipt
///
/// A file of at most 16 MiB. Lines end with `\n`; words are parted by one space; base64 is the
/// standard one, padded. First the line `tributary-receipt-v1`, then records in this order: the
/// generation, its attribution or none, adapter builds, and key rotations in the log's order. Then
/// an empty line and the checkpoint, a C2SP signed note, to the end of the file. All proofs are
/// against that checkpoint. Each record is
///
/// ```
/// continuation              these four for each of its continuations, in order
/// leaf BASE64
/// index DECIMAL             of the leaf in the log
/// hash BASE64               its inclusion proof, from the leaf up; a line per hash
/// generation                or attribution, adapter_build, key_rotation
/// leaf BASE64
/// index DECIMAL
/// hash BASE64
/// field TAG BASE64 BASE64   an opened field's salt and data, "-" for empty data; or
/// hidden TAG BASE64         the commitment of one that is not opened
/// ```
///
/// with a line for every salted field, in order. A reader writes what it read again and refuses the
/// file if that differs anywhere. [ReceiptVerifier] looks at the rest; the key it starts from is
/// never the file's.
@NullMarked
package dev.tributary.record;

import org.jspecify.annotations.NullMarked;
