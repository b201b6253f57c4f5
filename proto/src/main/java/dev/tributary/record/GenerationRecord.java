package dev.tributary.record;

import dev.tributary.tlog.Hash;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// An answer: everything that it takes to give it again, and what was given.
///
/// @param startedLeaf index of its [StartedRecord]'s leaf
/// @param tenant who is charged
/// @param base digest of the base; null only for [EndReason#INTERRUPTED]
/// @param adapters in the request's order
/// @param sampling null only for [EndReason#INTERRUPTED]
/// @param prompt token ids, rendered
/// @param output token ids
/// @param numerics identifies code and machine as far as they change bits; empty if not known
/// @param paths which matmul the tokens went through, in order; at most [#MAX_PATHS]
/// @param logprobs how many alternatives were asked for; -1 for no log probabilities
/// @param logprobsDigest SHA-256 of the float bits of those that were sent; null if none were
/// @param echo log probabilities were asked for the prompt, too
/// @param repeatable the answer was to depend on no neighbour
public record GenerationRecord(
    String id,
    long startedLeaf,
    String tenant,
    @Nullable Hash base,
    List<AdapterUse> adapters,
    @Nullable SamplingParameters sampling,
    List<Integer> prompt,
    List<Integer> output,
    Usage usage,
    EndReason end,
    String numerics,
    List<PathRun> paths,
    int logprobs,
    @Nullable Hash logprobsDigest,
    boolean echo,
    boolean repeatable,
    long startMicros,
    long endMicros)
    implements Record {
  public static final int MAX_PATHS = 1024;

  private static final int ECHO = 1;
  private static final int REPEATABLE = 2;

  /// What is charged, in tokens.
  ///
  /// @param cached of the prompt, not computed anew
  public record Usage(int prompt, int cached, int completion) {
    void encode(Encoder out) {
      out.u32(prompt).u32(cached).u32(completion);
    }

    static Usage decode(Decoder in) {
      return new Usage(in.u31(), in.u31(), in.u31());
    }
  }

  /// Successive tokens on one path.
  ///
  /// @param wide dequantise-then-GEMM, not the 4-bit matmul for few rows
  public record PathRun(boolean wide, int tokens) {
    void encode(Encoder out) {
      out.flag(wide).u32(tokens);
    }

    static PathRun decode(Decoder in) {
      return new PathRun(in.flag(), in.u31());
    }
  }

  public GenerationRecord {
    adapters = List.copyOf(adapters);
    prompt = List.copyOf(prompt);
    output = List.copyOf(output);
    paths = List.copyOf(paths);
    RecordException.require(
        end == EndReason.INTERRUPTED || (base != null && sampling != null),
        "a generation that was not interrupted has a base and sampling parameters");
    RecordException.require(
        paths.size() <= MAX_PATHS, paths.size() + " runs are more than " + MAX_PATHS);
    RecordException.require(logprobs >= -1, logprobs + " log probabilities were asked");
    RecordException.require(startMicros >= 0 && endMicros >= 0, "a time before 1970");
  }

  /// The hour in which it ended, which its leaf shows to all.
  public static long hour(Leaf leaf) {
    return OpenPart.read(Kind.GENERATION, List.of(leaf), Decoder::u32);
  }

  @Override
  public Kind kind() {
    return Kind.GENERATION;
  }

  @Override
  public Sealed seal(SecureRandom random) {
    byte[] none = {};
    return Sealed.draw(
        kind(),
        Encoder.encode(out -> out.u32(Record.hour(endMicros))),
        List.of(
            Encoder.utf8(id),
            Encoder.encode(out -> out.u63(startedLeaf)),
            Encoder.utf8(tenant),
            base == null ? none : base.bytes(),
            Encoder.encode(out -> out.list(adapters, (to, use) -> use.encode(to))),
            sampling == null ? none : Encoder.encode(sampling::encode),
            tokens(prompt),
            tokens(output),
            Encoder.encode(usage::encode),
            Encoder.encode(out -> out.choice(end)),
            Encoder.utf8(numerics),
            Encoder.encode(out -> out.list(paths, (to, run) -> run.encode(to))),
            Encoder.encode(out -> out.i32(logprobs)),
            logprobsDigest == null ? none : logprobsDigest.bytes(),
            Encoder.encode(out -> out.u8((echo ? ECHO : 0) | (repeatable ? REPEATABLE : 0))),
            Encoder.encode(out -> out.u63(startMicros).u63(endMicros))),
        random);
  }

  public static GenerationRecord of(Sealed sealed) {
    FieldReader in = new FieldReader(sealed, Kind.GENERATION);
    String id = in.text();
    long startedLeaf = in.next(Decoder::u63);
    String tenant = in.text();
    Hash base = in.next(field -> field.orAbsent(Decoder::hash));
    List<AdapterUse> adapters = in.next(field -> field.list(AdapterUse::decode));
    SamplingParameters sampling = in.next(field -> field.orAbsent(SamplingParameters::decode));
    List<Integer> prompt = in.next(field -> field.all(Decoder::u31));
    List<Integer> output = in.next(field -> field.all(Decoder::u31));
    Usage usage = in.next(Usage::decode);
    EndReason end = in.next(field -> field.choice(EndReason.class));
    String numerics = in.text();
    List<PathRun> paths = in.next(field -> field.list(PathRun::decode));
    int logprobs = in.next(Decoder::i32);
    Hash logprobsDigest = in.next(field -> field.orAbsent(Decoder::hash));
    int flags = in.next(Decoder::u8);
    RecordException.require(flags <= (ECHO | REPEATABLE), "flags " + flags + " are not known");
    long[] times = in.next(field -> new long[] {field.u63(), field.u63()});
    in.hour(times[1]);
    return new GenerationRecord(
        id,
        startedLeaf,
        tenant,
        base,
        adapters,
        sampling,
        prompt,
        output,
        usage,
        end,
        numerics,
        paths,
        logprobs,
        logprobsDigest,
        (flags & ECHO) != 0,
        (flags & REPEATABLE) != 0,
        times[0],
        times[1]);
  }

  static List<AdapterUse> adapters(SaltedField field) {
    return Decoder.decode(field.tag(), field.data(), in -> in.list(AdapterUse::decode));
  }

  static Optional<Hash> base(SaltedField field) {
    return Optional.ofNullable(
        Decoder.decode(field.tag(), field.data(), in -> in.orAbsent(Decoder::hash)));
  }

  /// u32 each; a list of thousands, so it is written in one go.
  private static byte[] tokens(List<Integer> ids) {
    ByteBuffer out = ByteBuffer.allocate(Math.multiplyExact(Integer.BYTES, ids.size()));
    for (int id : ids) {
      RecordException.require(id >= 0, "a token id of " + id);
      out.putInt(id);
    }
    return out.array();
  }
}
