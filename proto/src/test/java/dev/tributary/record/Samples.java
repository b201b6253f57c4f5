package dev.tributary.record;

import dev.tributary.tlog.Hash;
import dev.tributary.tlog.SigningKey;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Records with random values of every kind.
final class Samples {
  private final Random random;

  Samples(long seed) {
    random = new Random(seed);
  }

  /// One of each kind.
  Stream<Record> all() {
    return Stream.<Supplier<Record>>of(
            this::contribution,
            this::withdrawal,
            this::erasure,
            this::build,
            this::started,
            this::generation,
            this::interrupted,
            this::attribution,
            this::audit,
            this::priceRule,
            this::settlement,
            this::correction,
            this::rotation)
        .map(Supplier::get);
  }

  /// Bytes that a seed determines, where a record wants secret ones.
  static SecureRandom seeded(long seed) {
    Random bytes = new Random(seed);
    return new SecureRandom() {
      private static final long serialVersionUID = 1L;

      @Override
      public void nextBytes(byte[] out) {
        bytes.nextBytes(out);
      }
    };
  }

  ContributionRecord contribution() {
    return new ContributionRecord(text(), hash(), text(), text(), micros());
  }

  WithdrawalRecord withdrawal() {
    long micros = micros();
    return new WithdrawalRecord(
        new WithdrawalRecord.Open(Record.hour(micros), index()), text(), text(), micros);
  }

  ErasureRecord erasure() {
    long micros = micros();
    return new ErasureRecord(
        new ErasureRecord.Open(Record.hour(micros), index()), text(), text(), micros);
  }

  AdapterBuildRecord build() {
    return build(hash(), hash());
  }

  AdapterBuildRecord build(Hash adapter, Hash base) {
    return new AdapterBuildRecord(
        new AdapterBuildRecord.Open(
            hour(),
            adapter,
            base,
            hash(),
            choice(AdapterBuildRecord.Provenance.values()),
            text(),
            text(),
            random.nextBoolean() ? hash() : null),
        text(),
        text(),
        1 + random.nextInt(9),
        text(),
        bytes(AdapterBuildRecord.KEY_BYTES));
  }

  PriceRuleRecord priceRule() {
    return new PriceRuleRecord(
        new PriceRuleRecord.Open(
            hour(), text(), index(), index(), random.nextInt(Shares.WHOLE + 1)),
        text(),
        text());
  }

  SettlementRecord settlement() {
    long from = hour();
    return SettlementRecord.draw(
        hour(),
        from,
        from + 1 + random.nextInt(1000),
        index(),
        index(),
        text(),
        index(),
        index(),
        list(5, () -> new SettlementRecord.Line(text(), text(), hash(), index(), index(), token())),
        seeded(random.nextLong()));
  }

  CorrectionRecord correction() {
    long micros = micros();
    int shares = random.nextInt(4);
    return new CorrectionRecord(
        new CorrectionRecord.Open(Record.hour(micros), index(), index(), shares(shares)),
        text(),
        names(shares),
        micros);
  }

  KeyRotationRecord rotation() {
    return KeyRotationRecord.sign(key(), key(), index());
  }

  /// Of the log that all samples are of.
  SigningKey key() {
    return SigningKey.generate("log.example/tributary", seeded(random.nextLong()));
  }

  StartedRecord started() {
    return new StartedRecord(text(), text(), list(3, this::adapter), micros());
  }

  GenerationRecord generation() {
    return generation(hash(), sampling(), choice(EndReason.values()));
  }

  /// Closed after a crash: nobody knows what was asked.
  GenerationRecord interrupted() {
    return generation(null, null, EndReason.INTERRUPTED);
  }

  private GenerationRecord generation(
      @Nullable Hash base, @Nullable SamplingParameters sampling, EndReason end) {
    return new GenerationRecord(
        text(),
        index(),
        text(),
        base,
        list(3, this::adapter),
        sampling,
        list(200, this::token),
        list(200, this::token),
        new GenerationRecord.Usage(token(), token(), token()),
        end,
        text(),
        list(20, () -> new GenerationRecord.PathRun(random.nextBoolean(), token())),
        random.nextInt(22) - 1,
        random.nextBoolean() ? hash() : null,
        random.nextBoolean(),
        random.nextBoolean(),
        micros(),
        micros());
  }

  AttributionRecord attribution() {
    return attribution(random.nextInt(6));
  }

  AttributionRecord attribution(int shares) {
    return attribution(index(), shares);
  }

  AttributionRecord attribution(long generationLeaf, int shares) {
    Shares divided = shares(shares);
    int names = shares + random.nextInt(3);
    return new AttributionRecord(
        new AttributionRecord.Open(hour(), generationLeaf, text(), divided),
        names(names),
        names == 0 ? List.of() : list(4, () -> span(names)),
        bytes(random.nextInt(100)));
  }

  private AttributionRecord.Span span(int names) {
    int start = random.nextInt(1000);
    return new AttributionRecord.Span(
        start, start + 1 + random.nextInt(50), list(3, () -> random.nextInt(names)));
  }

  AuditRecord audit() {
    long micros = micros();
    return new AuditRecord(
        new AuditRecord.Open(
            Record.hour(micros),
            index(),
            choice(AuditRecord.What.values()),
            choice(AuditRecord.Drawn.values()),
            text()),
        text(),
        micros,
        text());
  }

  Shares shares(int count) {
    List<Shares.Share> shares = new ArrayList<>();
    int left = Shares.WHOLE;
    for (int i = 0; i < count; i++) {
      int ppm = 1 + random.nextInt(Math.max(1, left / (count + 2)));
      left -= ppm;
      shares.add(new Shares.Share(new Pseudonym(random.nextLong(), random.nextLong()), ppm));
    }
    int base = random.nextInt(left + 1);
    return new Shares(shares, base, left - base);
  }

  List<String> names(int count) {
    return Stream.generate(this::text).limit(count).toList();
  }

  private AdapterUse adapter() {
    return new AdapterUse(text(), 1 + random.nextInt(9), hash(), random.nextFloat() * 8);
  }

  private SamplingParameters sampling() {
    SortedMap<Integer, Float> bias = new TreeMap<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      bias.put(token(), random.nextFloat());
    }
    return new SamplingParameters(
        token(),
        random.nextFloat(),
        token(),
        random.nextFloat(),
        random.nextFloat(),
        random.nextFloat(),
        -random.nextFloat(),
        random.nextFloat(),
        random.nextLong(),
        list(3, this::text),
        list(3, this::token),
        bias);
  }

  <T> List<T> list(int most, Supplier<T> element) {
    return Stream.generate(element).limit(random.nextInt(most + 1)).toList();
  }

  private <E> E choice(E[] all) {
    return all[random.nextInt(all.length)];
  }

  String text() {
    String[] alphabet = {
      "a", "Z", " ", "\n", "\u00e9", "\u6c34", "\ud83c\udf0a", "\u0000", "\"", "/"
    };
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(20); i > 0; i--) {
      text.append(alphabet[random.nextInt(alphabet.length)]);
    }
    return text.toString();
  }

  Hash hash() {
    return Hash.of(bytes(Hash.BYTES));
  }

  byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  int token() {
    return random.nextInt() & Integer.MAX_VALUE;
  }

  long index() {
    return random.nextLong() & Long.MAX_VALUE;
  }

  long micros() {
    return random.nextLong(0, 4_000_000L * Record.MICROS_PER_HOUR);
  }

  long hour() {
    return Record.hour(micros());
  }
}
