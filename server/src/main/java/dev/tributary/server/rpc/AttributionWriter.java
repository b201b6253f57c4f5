package dev.tributary.server.rpc;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tributary.record.AdapterUse;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.Pseudonym;
import dev.tributary.record.Record;
import dev.tributary.record.Shares;
import dev.tributary.server.rpc.Attributing.Answered;
import dev.tributary.server.rpc.Attributing.Attributed;
import dev.tributary.server.rpc.Attributing.Contributor;
import dev.tributary.tlog.Hash;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Puts what was said of answers into records.
final class AttributionWriter {
  /// Of answers without adapters.
  static final String BASE_ONLY = "base-only-v1";

  /// Of answers of which nothing could be said.
  static final String UNATTRIBUTED = "unattributed-v1";

  private final PseudonymKeys keys;

  AttributionWriter(PseudonymKeys keys) {
    this.keys = keys;
  }

  /// What is known of any answer: one without adapters is the base's own, of others nothing is.
  ///
  /// @param leaf of the generation
  static AttributionRecord unattributed(long leaf, boolean baseOnly, long micros) {
    return new AttributionRecord(
        new AttributionRecord.Open(
            Record.hour(micros),
            leaf,
            baseOnly ? BASE_ONLY : UNATTRIBUTED,
            baseOnly ? new Shares(List.of(), Shares.WHOLE, 0) : Shares.unattributed()),
        List.of(),
        List.of(),
        new byte[0]);
  }

  /// Contributors become pseudonyms by the key of the version that they are of. Those of spans who
  /// have no share come after those who have one.
  ///
  /// @throws IllegalArgumentException if it is not about this answer, or a key is missing
  AttributionRecord attributed(Answered answer, Attributed said, long micros) {
    Map<Contributor, Integer> places = new HashMap<>();
    List<String> names = new ArrayList<>();
    List<Shares.Share> shares = new ArrayList<>();
    Map<Hash, byte[]> known = new HashMap<>();
    for (Attributing.Share share : said.shares()) {
      Contributor contributor = share.contributor();
      byte[] key = known.computeIfAbsent(contributor.adapter(), adapter -> key(answer, adapter));
      shares.add(new Shares.Share(Pseudonym.of(key, contributor.name()), share.ppm()));
      places.put(contributor, names.size());
      names.add(contributor.name());
    }
    int bytes = answer.text().getBytes(UTF_8).length;
    List<AttributionRecord.Span> spans = new ArrayList<>();
    for (Attributing.Span span : said.spans()) {
      if (span.end() > bytes) {
        throw new IllegalArgumentException("a span to " + span.end() + " of " + bytes + " bytes");
      }
      List<Integer> whose = new ArrayList<>();
      for (Contributor contributor : span.contributors()) {
        whose.add(
            places.computeIfAbsent(
                contributor,
                other -> {
                  names.add(other.name());
                  return names.size() - 1;
                }));
      }
      spans.add(new AttributionRecord.Span(span.start(), span.end(), whose));
    }
    return new AttributionRecord(
        new AttributionRecord.Open(
            Record.hour(micros),
            answer.leaf(),
            said.method(),
            new Shares(shares, said.basePpm(), said.unattributedPpm())),
        names,
        spans,
        said.evidence());
  }

  private byte[] key(Answered answer, Hash adapter) {
    AdapterUse use =
        answer.adapters().stream()
            .filter(each -> each.digest().equals(adapter))
            .findFirst()
            .orElseThrow(
                () -> new IllegalArgumentException("the answer was not made with " + adapter));
    return keys.of(use, answer.leaf())
        .orElseThrow(
            () -> new IllegalArgumentException("no build of " + use.name() + " is recorded"));
  }
}
