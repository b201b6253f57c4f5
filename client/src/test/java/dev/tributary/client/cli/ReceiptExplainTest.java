package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.client.FakeProvenance;
import dev.tributary.client.FakeServer;
import dev.tributary.client.Records;
import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.Evidence;
import dev.tributary.record.Evidence.Limit;
import dev.tributary.record.Evidence.Source;
import dev.tributary.record.Evidence.Span;
import dev.tributary.record.Receipt;
import dev.tributary.record.Shares;
import dev.tributary.v1.ReplayResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReceiptExplainTest {
  private static final int T = Evidence.SCORE_ONE / 4;
  private static final String TEXT = "Go to the m\u00fcll at 8:20, said Ann.\n";

  @TempDir private Path folder;
  private FakeServer server;
  private FakeProvenance log;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    log = server.provenance;
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).with("HOME", folder.toString()).run(arguments);
  }

  private CommandRun.Result explain(Path file, String... more) {
    return explain(new CommandRun(server), file, more);
  }

  private CommandRun.Result explain(CommandRun run, Path file, String... more) {
    String[] all = new String[more.length + 3];
    all[0] = "receipt";
    all[1] = "explain";
    all[2] = file.toString();
    System.arraycopy(more, 0, all, 3, more.length);
    return run.with("HOME", folder.toString()).run(all);
  }

  /// Three tokens: the base's, Bob's by a span, and one that Ann's and Bob's data share.
  private static Evidence evidence(Limit limit) {
    return new Evidence(
        T,
        List.of(0, Evidence.TOKEN, Evidence.TOKEN, Evidence.BIASED),
        List.of("ann", "b\u001bob", "cid"),
        List.of(new Source(4, 0, 2 * T), new Source(7, 1, 2 * T), new Source(9, 2, T / 2)),
        List.of(
            new Span(0, 1, 0, 5, 9, List.of(), false),
            new Span(1, 2, 10, 24, 2, List.of(1, 2), false),
            new Span(2, 3, 25, 29, 1, List.of(0), true)),
        limit);
  }

  private static LongFunction<AttributionRecord> attribution(Evidence evidence) {
    return leaf ->
        AttributionRecord.of(
            Records.HOUR, leaf, "kernel-v1", evidence, new byte[AdapterBuildRecord.KEY_BYTES]);
  }

  private static LongFunction<AttributionRecord> without(String method, Shares shares) {
    return leaf ->
        new AttributionRecord(
            new AttributionRecord.Open(Records.HOUR, leaf, method, shares),
            List.of(),
            List.of(),
            new byte[0]);
  }

  private Path file(LongFunction<AttributionRecord> attribution) throws IOException {
    return file(log.receipt("g-7", List.of(Records.claimedBuild()), attribution));
  }

  /// Its log's key is pinned.
  private Path file(Receipt receipt) throws IOException {
    Path pins = folder.resolve(".config/tributary/pinned-logs");
    Files.createDirectories(pins.getParent());
    Files.writeString(pins, log.verifierKey() + "\n");
    return Files.write(folder.resolve("x.receipt"), receipt.bytes());
  }

  private Path text(String text) throws IOException {
    return Files.writeString(folder.resolve("answer.txt"), text);
  }

  @Test
  void explain_withText_isAllOfIt() throws IOException {
    CommandRun.Result result =
        explain(file(attribution(evidence(Limit.NONE))), "--text", text(TEXT).toString());
    assertThat(result.err()).isEmpty();
    assertThat(result.out())
        .isEqualTo(
            """
            answer
            [?: Go to] the [1,3: m\u00fcll at 8:20,] [=: said] Ann.
            shares
              [1]  b\u001bob          20.8333%  ########
              [2]  ann           8.3333%   ###
                   base          25%       ##########
                   unattributed  45.8334%  ##################
            why
              method     kernel-v1
              threshold  0.2500
              tokens     4, of which 50% is the adapter's; 1 changed by logit_bias
              SPAN   TOKENS  BYTES     PLACES  CONTRIBUTORS
              [?]    0 to 1  0 to 5    9       none that was scored
              [1,3]  1 to 2  10 to 24  2       b\u001bob, cid
              [=]    2 to 3  25 to 29  1       ann; copied from the prompt, so it counts for nobody
              CLUSTER  CONTRIBUTOR  SCORE   OVER THE THRESHOLD BY
              4        ann          0.5000  0.2500
              7        b\u001bob         0.5000  0.2500
              9        cid          0.1250  not: it counts for nothing
            what this means
              The method kernel-v1 was fixed with the adapter's build: neither payer nor operator chose it for this answer.
              What adapter dbc1b4c900ff was trained on is its uploader's word (CLAIMED): shares are shown, and nothing is paid on them.
              base: what the base would have written without an adapter; nobody is credited.
              unattributed: what the method cannot tell; it is refunded or held, never paid.
            the shares follow from the evidence
            """);
    assertThat(result.code()).isZero();
  }

  @Test
  void explain_withoutText_spansAreRows() throws IOException {
    CommandRun.Result result = explain(file(attribution(evidence(Limit.NONE))));
    assertThat(result.code()).isZero();
    assertThat(result.out()).startsWith("shares\n").contains("  [1,3]  1 to 2  10 to 24  2 ");
  }

  @Test
  void explain_onAColourTerminal_tintsWhatIsWhose() throws IOException {
    CommandRun.Result result =
        explain(
            new CommandRun(server).interactive(true),
            file(attribution(evidence(Limit.NONE))),
            "--text",
            text(TEXT).toString());
    assertThat(result.out())
        .contains("\u001b[31mm\u00fcll at 8:20,\u001b[0m\u001b[2m[1,3]\u001b[0m")
        .contains("\u001b[2mGo to\u001b[0m\u001b[2m[?]\u001b[0m the ")
        .contains("\u001b[31m  [1]  b\ufffdob ")
        .contains("\u001b[32m  [2]  ann ");
  }

  @Test
  void explain_json_isOneObject() throws IOException {
    CommandRun.Result result =
        run("--json", "receipt", "explain", file(attribution(evidence(Limit.NONE))).toString());
    assertThat(result.code()).as(result.toString()).isZero();
    assertThat(result.out().lines()).hasSize(1);
    assertThat(result.out())
        .startsWith(
            "{\"holds\":true,\"failures\":[],\"recomputed\":\"same\",\"method\":\"kernel-v1\"")
        .contains("\"contributor\":\"ann\",\"ppm\":83333")
        .contains("\"limit\":\"NONE\"")
        .contains("\"cluster\":7");
  }

  @Test
  void explain_sharesThatDoNotFollow_isOneAndSaysWhatWould() throws IOException {
    AttributionRecord right = attribution(evidence(Limit.NONE)).apply(2);
    Shares shares = right.open().shares();
    Path file =
        file(
            leaf ->
                new AttributionRecord(
                    new AttributionRecord.Open(
                        Records.HOUR,
                        leaf,
                        "kernel-v1",
                        new Shares(
                            shares.shares(), shares.basePpm() + 5, shares.unattributedPpm() - 5)),
                    right.contributors(),
                    right.spans(),
                    right.evidence()));
    CommandRun.Result result = explain(file);
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out())
        .contains("From the evidence follows: b\u001bob 20.8333%, ann 8.3333%, base 25%,")
        .endsWith("THE SHARES DO NOT FOLLOW FROM THE EVIDENCE\n");
    // All else of it holds.
    assertThat(run("receipt", "verify", file.toString()).code()).isZero();
  }

  @Test
  void explain_evidenceThatIsNone_isOne() throws IOException {
    CommandRun.Result result = explain(file(Records::attribution));
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out()).contains("The evidence cannot be read: evidence: version 7");
  }

  @ParameterizedTest
  @CsvSource({
    "TOO_LONG, too long to be scored",
    "BACKLOG, Too many answers were waiting",
    "NO_INFLUENCE, no influence scores for this adapter",
    "SEVERAL_ADAPTERS, Several adapters had a part",
    "EMPTY, The answer is empty",
  })
  void explain_limited_saysWhy(Limit limit, String why) throws IOException {
    CommandRun.Result result = explain(file(attribution(evidence(limit))));
    assertThat(result.code()).isZero();
    assertThat(result.out()).contains(why).contains("base          25%").doesNotContain("[1]  ann");
  }

  @ParameterizedTest
  @CsvSource({
    "base-only-v1, 1000000, 0, 'No adapter was used, so all of the answer is the base''s'",
    "base-only-v1, 0, 1, No adapter was used",
    "unattributed-v1, 0, 0, 'This version''s method is to credit nobody'",
    "unattributed-v1, 1000000, 1, This version's method",
  })
  void explain_methodWithoutEvidence_isASentence(String method, int base, int code, String why)
      throws IOException {
    Shares shares = new Shares(List.of(), base, Shares.WHOLE - base);
    CommandRun.Result result =
        explain(file(log.receipt("g-7", List.of(), without(method, shares))));
    assertThat(result.code()).isEqualTo(code);
    assertThat(result.out()).contains(why);
  }

  @Test
  void explain_otherMethodWithoutEvidence_cannotBeRecomputed() throws IOException {
    CommandRun.Result result = explain(file(without("kernel-v1", Shares.unattributed())));
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .contains("The record has no evidence")
        .endsWith("the shares cannot be recomputed\n");
  }

  @Test
  void explain_hiddenEvidence_showsSharesOfPseudonyms() throws IOException {
    Receipt whole =
        log.receipt("g-7", List.of(Records.claimedBuild()), attribution(evidence(Limit.NONE)));
    Receipt hidden =
        new Receipt(
            whole.generation(),
            whole.attribution().map(a -> a.hiding(Set.of("attribution.evidence"))),
            whole.builds(),
            List.of(),
            whole.checkpoint());
    CommandRun.Result result = explain(file(hidden));
    assertThat(result.code()).isZero();
    assertThat(result.out())
        .contains("hidden from this reader, or erased")
        .contains("8.3333%")
        .doesNotContain("bob");
  }

  @Test
  void explain_claimedManifest_saysThatNothingIsPaid() throws IOException {
    String claimed = "is its uploader's word (CLAIMED): shares are shown, and nothing is paid";
    assertThat(explain(file(attribution(evidence(Limit.NONE)))).out()).contains(claimed);
    assertThat(
            explain(file(log.receipt("g-8", List.of(), attribution(evidence(Limit.NONE))))).out())
        .doesNotContain(claimed);
  }

  @Test
  void explain_receiptThatDoesNotHold_isOneAndStillExplained() throws IOException {
    Path file = file(attribution(evidence(Limit.NONE)));
    Files.delete(folder.resolve(".config/tributary/pinned-logs"));
    CommandRun.Result result = explain(file);
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).startsWith("the receipt is not verified: no key of the log");
    assertThat(result.out()).endsWith("the shares follow from the evidence\n");
    String key = log.verifierKey().toString();
    assertThat(explain(file, "--public-key", key).code()).isZero();
    Receipt receipt = Receipt.parse(Files.readAllBytes(file));
    Receipt moved =
        new Receipt(receipt.generation(), receipt.attribution(), List.of(), List.of(), log.note(1));
    CommandRun.Result other = explain(file(moved));
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err()).contains("FAILS ");
  }

  @Test
  void explain_noAttribution_saysHowToGetOne() throws IOException {
    Receipt receipt = log.receipt("g-7", List.of(), attribution(evidence(Limit.NONE)));
    CommandRun.Result result =
        explain(
            file(
                new Receipt(
                    receipt.generation(),
                    Optional.empty(),
                    List.of(),
                    List.of(),
                    receipt.checkpoint())));
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err()).contains("has no attribution yet: get it again with --wait");
  }

  @Test
  void explain_anotherText_isRefused() throws IOException {
    Path file = file(attribution(evidence(Limit.NONE)));
    assertThat(explain(file, "--text", text("short").toString()).err())
        .contains("the text is not that of this answer: it has 5 bytes, and a span ends at 24");
    // A span would begin inside a character.
    assertThat(explain(file, "--text", text("\u00e9".repeat(20) + "x").toString()).code())
        .isEqualTo(1);
    assertThat(explain(file, "--text", "x", "--replay").code()).isEqualTo(2);
  }

  @Test
  void explain_replay_takesTheTextFromTheServerIfItsTokensAreTheReceipts() throws IOException {
    Path file = file(attribution(evidence(Limit.NONE)));
    server.replayTokens = List.of(40, 50, 60);
    server.replayText = TEXT;
    server.replays.add(outcome(ReplayResult.Outcome.OUTCOME_IDENTICAL));
    assertThat(explain(file, "--replay").out()).startsWith("answer\n[?: Go to] the ");
    server.replays.add(outcome(ReplayResult.Outcome.OUTCOME_IDENTICAL));
    server.replayTokens = List.of(40, 51, 60);
    CommandRun.Result other = explain(file, "--replay");
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err()).contains("the replay gave no text of this answer: DIFFERENT");
  }

  private static ReplayResult outcome(ReplayResult.Outcome outcome) {
    return ReplayResult.newBuilder().setOutcome(outcome).build();
  }
}
