package dev.tributary.client.cli;

import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.Division;
import dev.tributary.record.Evidence;
import dev.tributary.record.Leaf;
import dev.tributary.record.Receipt;
import dev.tributary.record.RecordException;
import dev.tributary.record.Sealed;
import dev.tributary.record.Shares;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Whose data an answer is credited to by its receipt, whether that follows from the receipt's
/// evidence, and what cannot be told.
///
/// @param open the attribution as all may see it
/// @param names of those with shares, in their order; their pseudonyms where names are hidden
/// @param evidence empty where there is none, or where it is hidden
/// @param outcome of dividing the evidence again
/// @param sentences what the method is, and what the receipt can't tell
record Explanation(
    AttributionRecord.Open open,
    List<String> names,
    Optional<Evidence> evidence,
    Outcome outcome,
    List<String> sentences) {
  /// All of an answer is the base's: it used no adapter.
  private static final String BASE_ONLY = "base-only-v1";

  /// Nothing can be told.
  private static final String UNATTRIBUTED = "unattributed-v1";

  /// Of computing the shares again.
  enum Outcome {
    /// They are those of the record.
    SAME,
    /// They are others, or the evidence is none.
    DIFFERENT,
    /// There is nothing to compute them from.
    NOT_POSSIBLE
  }

  /// Empty if the receipt has no attribution.
  ///
  /// @throws RecordException if what is open cannot be read
  static Optional<Explanation> of(Receipt receipt) {
    return receipt
        .attribution()
        .map(
            proven -> {
              AttributionRecord.Open open = AttributionRecord.Open.of(proven.leaves());
              Optional<Sealed> whole = proven.sealed();
              Explanation told =
                  whole.isPresent() ? of(open, AttributionRecord.of(whole.get())) : hidden(open);
              return told.with(
                  receipt.builds().stream().flatMap(b -> claimed(b.leaves())).toList());
            });
  }

  private static Stream<String> claimed(List<Leaf> leaves) {
    AdapterBuildRecord.Open build = AdapterBuildRecord.Open.of(leaves);
    return build.provenance() == AdapterBuildRecord.Provenance.CLAIMED
        ? Stream.of(
            "What adapter "
                + Texts.shortDigest(build.adapter().text())
                + " was trained on is its uploader's word (CLAIMED): shares are shown, and nothing"
                + " is paid on them.")
        : Stream.empty();
  }

  private static Explanation hidden(AttributionRecord.Open open) {
    return new Explanation(
        open,
        open.shares().shares().stream().map(share -> share.contributor().toString()).toList(),
        Optional.empty(),
        Outcome.NOT_POSSIBLE,
        List.of(
            method(open.method()),
            "The evidence is hidden from this reader, or erased: the shares cannot be recomputed"
                + " from this file, and contributors are told by pseudonyms."));
  }

  private static Explanation of(AttributionRecord.Open open, AttributionRecord record) {
    List<String> names = record.contributors().subList(0, open.shares().shares().size());
    if (record.evidence().length == 0) {
      return without(open, names);
    }
    List<String> sentences = new ArrayList<>(List.of(method(open.method())));
    try {
      Evidence evidence = Evidence.decode(record.evidence());
      boolean same = record.follows();
      if (!same) {
        sentences.add("From the evidence follows: " + text(evidence.divide()) + ".");
      }
      limit(evidence).ifPresent(sentences::add);
      return new Explanation(
          open, names, Optional.of(evidence), same ? Outcome.SAME : Outcome.DIFFERENT, sentences);
    } catch (RecordException e) {
      sentences.add("The evidence cannot be read: " + e.getMessage() + ".");
      return new Explanation(open, names, Optional.empty(), Outcome.DIFFERENT, sentences);
    }
  }

  /// Of a record whose evidence is empty: two methods have none and always say the same.
  private static Explanation without(AttributionRecord.Open open, List<String> names) {
    Outcome outcome =
        switch (open.method()) {
          case BASE_ONLY -> same(open.shares(), new Shares(List.of(), Shares.WHOLE, 0));
          case UNATTRIBUTED -> same(open.shares(), Shares.unattributed());
          default -> Outcome.NOT_POSSIBLE;
        };
    List<String> sentences = new ArrayList<>(List.of(method(open.method())));
    if (outcome == Outcome.NOT_POSSIBLE) {
      sentences.add("The record has no evidence: the shares cannot be recomputed.");
    }
    return new Explanation(open, names, Optional.empty(), outcome, sentences);
  }

  private static Outcome same(Shares one, Shares other) {
    return one.equals(other) ? Outcome.SAME : Outcome.DIFFERENT;
  }

  private static String method(String method) {
    return switch (method) {
      case BASE_ONLY -> "No adapter was used, so all of the answer is the base's (" + method + ").";
      case UNATTRIBUTED ->
          "This version's method is to credit nobody, so all of the answer is unattributed ("
              + method
              + ").";
      default ->
          "The method "
              + method
              + " was fixed with the adapter's build: neither payer nor operator chose it for this"
              + " answer.";
    };
  }

  private static Optional<String> limit(Evidence evidence) {
    return switch (evidence.limit()) {
      case NONE -> Optional.empty();
      case TOO_LONG ->
          Optional.of("Prompt and answer were too long to be scored: nobody is credited.");
      case BACKLOG ->
          Optional.of("Too many answers were waiting to be scored: nobody is credited.");
      case NO_INFLUENCE ->
          Optional.of("The method has no influence scores for this adapter: nobody is credited.");
      case SEVERAL_ADAPTERS ->
          Optional.of("Several adapters had a part, which cannot be parted: nobody is credited.");
      case EMPTY -> Optional.of("The answer is empty: there is nothing to credit.");
    };
  }

  private static String text(Division division) {
    List<String> parts = new ArrayList<>();
    division.parts().forEach(part -> parts.add(part.contributor() + " " + Texts.ppm(part.ppm())));
    parts.add("base " + Texts.ppm(division.basePpm()));
    parts.add("unattributed " + Texts.ppm(division.unattributedPpm()));
    return String.join(", ", parts);
  }

  private Explanation with(List<String> more) {
    List<String> all = new ArrayList<>(sentences);
    all.addAll(more);
    return new Explanation(open, names, evidence, outcome, all);
  }

  /// Whether all holds that can be found out.
  boolean holds() {
    return outcome != Outcome.DIFFERENT;
  }

  /// What came of it, in words.
  String verdict() {
    return switch (outcome) {
      case SAME -> "the shares follow from the evidence";
      case DIFFERENT -> "THE SHARES DO NOT FOLLOW FROM THE EVIDENCE";
      case NOT_POSSIBLE -> "the shares cannot be recomputed";
    };
  }
}
