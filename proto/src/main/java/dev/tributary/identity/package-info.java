/// Identities that server and client must agree on to the bit: base digests, adapter digests, and
/// the strict readers of the files that they are computed from.
///
/// A digest is the string `sha256:` and 64 lower-case hexadecimal digits.
///
/// **Base digest** ([BaseDigest]). Of a file: the SHA-256 of its bytes. Of a directory: the SHA-256
/// over one line `sha256 name\n` per file that counts, the lines sorted as bytes, so that
/// `sha256sum FILES | LC_ALL=C sort | sha256sum` gives it, too. [BaseDigest#counts] says which
/// files count.
///
/// **Adapter digest** ([AdapterDigest]). The SHA-256 over what changes the adapter's function and
/// nothing else: an identical adapter saved again by another version of PEFT keeps its digest. With
/// `u64` for eight bytes, least significant first, the hashed bytes are
///
/// ```
/// "tributary-adapter-v1\n"
/// u64 length of config, config           RFC 8785 JSON, see PeftConfig#canonicalJson
/// u64 number of tensors
/// per tensor, ascending by the UTF-8 bytes of its name:
///   u64 length of name, name             UTF-8, as it stands in the file
///   u64 length of dtype, dtype           ASCII, as safetensors writes it ("F32", "BF16")
///   u64 number of dimensions, u64 each dimension
///   u64 length of data, data             the elements in row-major order, little-endian
/// ```
///
/// Every part has its length before it, so no two different adapters give the same bytes. The
/// golden vectors of both digests come from an implementation of its own in
/// `.ci/goldens/digests.py`.
///
/// The readers here refuse by default: a key, type, or regular expression whose meaning is not
/// known exactly is an error that names it, never a guess.
@NullMarked
package dev.tributary.identity;

import org.jspecify.annotations.NullMarked;
