package dev.tributary.client.cli;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.Field;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.HiddenField;
import dev.tributary.record.KeyRotationRecord;
import dev.tributary.record.Kind;
import dev.tributary.record.Proven;
import dev.tributary.record.RecordException;
import dev.tributary.record.SaltedField;
import dev.tributary.record.SamplingParameters;
import dev.tributary.record.Sealed;
import dev.tributary.record.Shares;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What a receipt's records say, in words. Whether it is true, [ReceiptVerifyCommand] says.
final class RecordFacts {
  private RecordFacts() {}

  /// What is open to all, then each salted field, or that it is hidden.
  ///
  /// @throws RecordException if the record cannot be read
  static Facts of(Proven proven) {
    Facts facts = new Facts().put("leaf", proven.index());
    Optional<Sealed> whole = proven.sealed();
    switch (proven.kind()) {
      case GENERATION -> {
        if (whole.isPresent()) {
          generation(facts, GenerationRecord.of(whole.get()));
          return facts;
        }
      }
      case ATTRIBUTION -> {
        AttributionRecord.Open open = AttributionRecord.Open.of(proven.leaves());
        if (whole.isPresent()) {
          attribution(facts, open, AttributionRecord.of(whole.get()));
          return facts;
        }
        attribution(facts, open, List.of());
      }
      case ADAPTER_BUILD -> {
        build(facts, AdapterBuildRecord.Open.of(proven.leaves()));
        if (whole.isPresent()) {
          build(facts, AdapterBuildRecord.of(whole.get()));
          return facts;
        }
      }
      case KEY_ROTATION ->
          rotation(facts, KeyRotationRecord.of(new Sealed(proven.leaf(), List.of())));
      default -> {
        // No receipt has another one.
      }
    }
    proven.fields().forEach(field -> field(facts, proven.kind(), field));
    return facts;
  }

  private static void generation(Facts facts, GenerationRecord record) {
    facts
        .put("generation", record.id())
        .put("started leaf", record.startedLeaf())
        .put("tenant", record.tenant())
        .put("began", time(record.startMicros()))
        .put("ended", time(record.endMicros()))
        .put("end", words(record.end()))
        .put("base", digest(record.base()))
        .texts("adapters", record.adapters().stream().map(RecordFacts::adapter).toList());
    SamplingParameters sampling = record.sampling();
    if (sampling != null) {
      facts.texts("sampling", sampling(sampling));
      facts.texts("stop strings", sampling.stop().stream().map(Texts::quoted).toList());
      facts.tokens("stop tokens", sampling.stopTokenIds());
      facts.texts(
          "logit bias",
          sampling.logitBias().entrySet().stream()
              .map(bias -> bias.getKey() + " by " + Texts.number(bias.getValue()))
              .toList());
    }
    facts
        .tokens("prompt tokens", record.prompt())
        .tokens("answer tokens", record.output())
        .put(
            "usage",
            "prompt %d, %d of them cached, completion %d"
                .formatted(
                    record.usage().prompt(), record.usage().cached(), record.usage().completion()))
        .put("numerics", record.numerics().isEmpty() ? "-" : record.numerics())
        .texts(
            "paths",
            record.paths().stream()
                .map(run -> (run.wide() ? "wide " : "narrow ") + run.tokens())
                .toList())
        .put("log-probabilities", logprobs(record))
        .put("echo", yes(record.echo()))
        .put("repeatable", yes(record.repeatable()));
  }

  private static String logprobs(GenerationRecord record) {
    return record.logprobs() < 0
        ? "-"
        : "of the chosen and the %d most probable tokens, digest %s"
            .formatted(record.logprobs(), digest(record.logprobsDigest()));
  }

  private static String adapter(AdapterUse use) {
    return "%s@%d%s %s"
        .formatted(
            Texts.name(use.name()),
            use.number(),
            use.scale() == 1 ? "" : "*" + Texts.number(use.scale()),
            use.digest().text());
  }

  private static List<String> sampling(SamplingParameters sampling) {
    List<String> parts = new ArrayList<>();
    parts.add("at most " + sampling.maxTokens() + " tokens");
    parts.add(
        sampling.temperature() == 0
            ? "greedy"
            : "temperature " + Texts.number(sampling.temperature()));
    parts.add("top-k " + sampling.topK());
    parts.add("top-p " + Texts.number(sampling.topP()));
    parts.add("min-p " + Texts.number(sampling.minP()));
    parts.add("repetition penalty " + Texts.number(sampling.repetitionPenalty()));
    parts.add("presence penalty " + Texts.number(sampling.presencePenalty()));
    parts.add("frequency penalty " + Texts.number(sampling.frequencyPenalty()));
    parts.add("seed " + Long.toUnsignedString(sampling.seed()));
    return parts;
  }

  private static void attribution(
      Facts facts, AttributionRecord.Open open, AttributionRecord record) {
    attribution(facts, open, record.contributors());
    facts
        .texts(
            "spans",
            record.spans().stream()
                .map(
                    span ->
                        "bytes %d to %d from %s"
                            .formatted(
                                span.start(),
                                span.end(),
                                String.join(
                                    " and ",
                                    span.contributors().stream()
                                        .map(record.contributors()::get)
                                        .toList())))
                .toList())
        .put("evidence", bytes(record.evidence()));
  }

  /// @param names of the contributors in the order of the shares; empty: their pseudonyms
  private static void attribution(Facts facts, AttributionRecord.Open open, List<String> names) {
    List<String> shares = new ArrayList<>();
    for (int i = 0; i < open.shares().shares().size(); i++) {
      Shares.Share share = open.shares().shares().get(i);
      String name = names.isEmpty() ? share.contributor().toString() : names.get(i);
      shares.add(name + " " + Texts.ppm(share.ppm()));
    }
    facts
        .put("of generation leaf", open.generationLeaf())
        .put("hour", hour(open.hour()))
        .put("method", open.method())
        .texts("shares", shares)
        .put("base share", Texts.ppm(open.shares().basePpm()))
        .put("unattributed", Texts.ppm(open.shares().unattributedPpm()));
  }

  private static void build(Facts facts, AdapterBuildRecord.Open open) {
    facts
        .put("hour", hour(open.hour()))
        .put("adapter", open.adapter().text())
        .put("base", open.base().text())
        .put("manifest", open.manifest().equals(Merkle.EMPTY) ? "-" : open.manifest().text())
        .put("provenance", words(open.provenance()))
        .put("method", open.method())
        .put("thresholds", open.thresholds().isEmpty() ? "-" : open.thresholds())
        .put("index", digest(open.index()));
  }

  private static void build(Facts facts, AdapterBuildRecord record) {
    facts
        .put("tenant", record.tenant())
        .put("name", record.name())
        .put("version", record.number())
        .put("settings", record.settings().isEmpty() ? "-" : record.settings());
  }

  private static void rotation(Facts facts, KeyRotationRecord rotation) {
    facts
        .put("old key", rotation.oldKey().toString())
        .put("new key", rotation.newKey().toString())
        .put("old key signs up to", rotation.size());
  }

  /// A field of a record that is not opened whole. Most are text or numbers; who wants the bytes
  /// has them in the file.
  private static void field(Facts facts, Kind kind, Field field) {
    String name = field.tag().substring(kind.word().length() + 1).replace('_', ' ');
    facts.put(
        name,
        switch (field) {
          case SaltedField opened -> bytes(opened.data());
          case HiddenField hidden -> "hidden";
        });
  }

  /// Text as text, and anything else as its length.
  private static String bytes(byte[] data) {
    String text = new String(data, StandardCharsets.UTF_8);
    boolean readable = text.chars().allMatch(c -> !Character.isISOControl(c) && c != '\ufffd');
    return data.length == 0 ? "-" : readable ? Texts.quoted(text) : data.length + " bytes";
  }

  private static String digest(@Nullable Hash digest) {
    return digest == null ? "-" : digest.text();
  }

  private static String time(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).toString();
  }

  private static String hour(long hour) {
    return Instant.EPOCH.plus(hour, ChronoUnit.HOURS).toString();
  }

  private static String words(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static String yes(boolean value) {
    return value ? "yes" : "no";
  }
}
