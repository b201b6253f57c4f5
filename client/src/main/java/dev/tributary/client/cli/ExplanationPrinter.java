package dev.tributary.client.cli;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.record.Evidence;
import dev.tributary.record.Shares;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Writes an [Explanation] for people, or as one JSON object.
final class ExplanationPrinter {
  /// Characters of a bar for the whole.
  private static final int BAR = 40;

  /// Sources that are shown.
  private static final int STRONGEST = 10;

  private static final int SPANS_SHOWN = 40;

  private final Terminal terminal;
  private final Explanation told;
  private final Optional<Marks> marks;

  ExplanationPrinter(Terminal terminal, Explanation told) {
    this.terminal = terminal;
    this.told = told;
    marks = told.evidence().map(evidence -> Marks.of(told.names(), evidence));
  }

  /// @param text the answer's, in UTF-8; empty if it is not known
  /// @throws IllegalArgumentException if spans do not fit the text
  void print(Optional<byte[]> text) {
    if (text.isPresent()) {
      String marked =
          marks.isPresent() && told.evidence().isPresent()
              ? marks.get().text(terminal, text.get(), told.evidence().get())
              : terminal.printable(new String(text.get(), StandardCharsets.UTF_8));
      title("answer");
      terminal.out().println(marked.stripTrailing());
    }
    title("shares");
    shares();
    told.evidence().ifPresent(this::evidence);
    title("what this means");
    told.sentences().forEach(this::sentence);
    sentence("base: what the base would have written without an adapter; nobody is credited.");
    sentence("unattributed: what the method cannot tell; it is refunded or held, never paid.");
    terminal.out().println(told.verdict());
    terminal.out().flush();
  }

  private void title(String title) {
    terminal.out().println(terminal.bold(title));
  }

  private void sentence(String sentence) {
    terminal.out().println("  " + terminal.printable(sentence));
  }

  /// A row and a bar each; whole lines are tinted, so that columns stay.
  private void shares() {
    Table table = new Table();
    List<Integer> colours = new ArrayList<>();
    Shares shares = told.open().shares();
    for (int i = 0; i < shares.shares().size(); i++) {
      String name = told.names().get(i);
      int number = marks.map(m -> m.number(name)).orElse(i + 1);
      row(table, "[" + number + "]", name, shares.shares().get(i).ppm());
      colours.add(number);
    }
    row(table, "", "base", shares.basePpm());
    row(table, "", "unattributed", shares.unattributedPpm());
    List<String> lines = table.lines();
    for (int i = 0; i < lines.size(); i++) {
      String line = terminal.printable(lines.get(i));
      terminal
          .out()
          .println(i < colours.size() ? terminal.tinted(colours.get(i), line) : terminal.dim(line));
    }
  }

  private static void row(Table table, String mark, String name, int ppm) {
    int cells = (int) Math.round((double) ppm * BAR / Shares.WHOLE);
    table.row("  " + mark, name, Texts.ppm(ppm), "#".repeat(ppm > 0 ? Math.max(1, cells) : 0));
  }

  private void evidence(Evidence evidence) {
    title("why");
    terminal.facts(
        new Table()
            .row("  method", told.open().method())
            .row("  threshold", score(evidence.threshold()))
            .row("  tokens", tokens(evidence)));
    spans(evidence);
    sources(evidence);
  }

  private static String tokens(Evidence evidence) {
    if (evidence.tokens().isEmpty()) {
      return "not scored";
    }
    long biased = evidence.tokens().stream().filter(mass -> mass == Evidence.BIASED).count();
    long adapters = evidence.tokens().stream().mapToLong(mass -> Math.max(0, mass)).sum();
    String part =
        Texts.ppm(adapters * Shares.WHOLE / ((long) Evidence.TOKEN * evidence.tokens().size()));
    return "%d, of which %s is the adapter's%s"
        .formatted(
            evidence.tokens().size(),
            part,
            biased == 0 ? "" : "; %d changed by logit_bias".formatted(biased));
  }

  private void spans(Evidence evidence) {
    if (evidence.spans().isEmpty() || marks.isEmpty()) {
      sentence("no part of the answer is known to stand in the training data word for word");
      return;
    }
    Table table = new Table().row("  SPAN", "TOKENS", "BYTES", "PLACES", "CONTRIBUTORS");
    for (Evidence.Span span : evidence.spans().stream().limit(SPANS_SHOWN).toList()) {
      List<String> of = Marks.contributors(evidence, span);
      table.row(
          "  [" + marks.get().mark(evidence, span) + "]",
          span.fromToken() + " to " + span.toToken(),
          span.start() + " to " + span.end(),
          Integer.toString(span.places()),
          (of.isEmpty() ? "none that was scored" : String.join(", ", of))
              + (span.echo() ? "; copied from the prompt, so it counts for nobody" : ""));
    }
    terminal.table(table);
    more(evidence.spans().size(), SPANS_SHOWN, "spans");
  }

  private void sources(Evidence evidence) {
    List<Evidence.Source> strongest = strongest(evidence);
    if (strongest.isEmpty()) {
      sentence("no training example was scored");
      return;
    }
    Table table = new Table().row("  CLUSTER", "CONTRIBUTOR", "SCORE", "OVER THE THRESHOLD BY");
    for (Evidence.Source source : strongest.stream().limit(STRONGEST).toList()) {
      long excess = evidence.excess(source);
      table.row(
          "  " + source.cluster(),
          evidence.contributors().get(source.contributor()),
          score(source.score()),
          excess == 0 ? "not: it counts for nothing" : score(excess));
    }
    terminal.table(table);
    more(strongest.size(), STRONGEST, "clusters of examples");
  }

  private void more(int all, int shown, String what) {
    if (all > shown) {
      sentence("and %d %s more".formatted(all - shown, what));
    }
  }

  private static List<Evidence.Source> strongest(Evidence evidence) {
    return evidence.sources().stream()
        .sorted(Comparator.comparingInt(Evidence.Source::score).reversed())
        .toList();
  }

  /// Four places of what has 20 binary ones.
  private static String score(long score) {
    return BigDecimal.valueOf(score)
        .divide(BigDecimal.valueOf(Evidence.SCORE_ONE), 4, RoundingMode.HALF_UP)
        .toPlainString();
  }

  /// @param failures of the receipt's checks
  Struct json(List<String> failures) {
    ListValue.Builder shares = ListValue.newBuilder();
    for (int i = 0; i < told.names().size(); i++) {
      shares.addValues(
          object(
              Struct.newBuilder()
                  .putFields("contributor", Heads.text(told.names().get(i)))
                  .putFields("ppm", number(told.open().shares().shares().get(i).ppm()))));
    }
    Struct.Builder all =
        Struct.newBuilder()
            .putFields("holds", flag(failures.isEmpty()))
            .putFields("failures", texts(failures))
            .putFields("recomputed", Heads.text(told.outcome().name().toLowerCase(Locale.ROOT)))
            .putFields("method", Heads.text(told.open().method()))
            .putFields("shares", list(shares))
            .putFields("basePpm", number(told.open().shares().basePpm()))
            .putFields("unattributedPpm", number(told.open().shares().unattributedPpm()))
            .putFields("sentences", texts(told.sentences()));
    told.evidence().ifPresent(evidence -> all.putFields("evidence", object(json(evidence))));
    return all.build();
  }

  private static Struct.Builder json(Evidence evidence) {
    ListValue.Builder tokens = ListValue.newBuilder();
    evidence.tokens().forEach(mass -> tokens.addValues(number(mass)));
    ListValue.Builder spans = ListValue.newBuilder();
    for (Evidence.Span span : evidence.spans()) {
      spans.addValues(
          object(
              Struct.newBuilder()
                  .putFields("fromToken", number(span.fromToken()))
                  .putFields("toToken", number(span.toToken()))
                  .putFields("start", number(span.start()))
                  .putFields("end", number(span.end()))
                  .putFields("places", number(span.places()))
                  .putFields("echo", flag(span.echo()))
                  .putFields("contributors", texts(Marks.contributors(evidence, span)))));
    }
    ListValue.Builder sources = ListValue.newBuilder();
    for (Evidence.Source source : strongest(evidence)) {
      String contributor = evidence.contributors().get(source.contributor());
      sources.addValues(
          object(
              Struct.newBuilder()
                  .putFields("cluster", number(source.cluster()))
                  .putFields("contributor", Heads.text(contributor))
                  .putFields("score", number(source.score()))
                  .putFields("excess", number(evidence.excess(source)))));
    }
    return Struct.newBuilder()
        .putFields("limit", Heads.text(evidence.limit().name()))
        .putFields("threshold", number(evidence.threshold()))
        .putFields("tokens", list(tokens))
        .putFields("spans", list(spans))
        .putFields("sources", list(sources));
  }

  private static Value texts(List<String> texts) {
    ListValue.Builder list = ListValue.newBuilder();
    texts.forEach(text -> list.addValues(Heads.text(text)));
    return list(list);
  }

  private static Value list(ListValue.Builder list) {
    return Value.newBuilder().setListValue(list).build();
  }

  private static Value object(Struct.Builder object) {
    return Value.newBuilder().setStructValue(object).build();
  }

  private static Value number(long number) {
    return Value.newBuilder().setNumberValue(number).build();
  }

  private static Value flag(boolean flag) {
    return Value.newBuilder().setBoolValue(flag).build();
  }
}
