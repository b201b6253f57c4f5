package dev.tributary.client.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.client.FakeServer;
import dev.tributary.v1.CorrectCreditRequest;
import dev.tributary.v1.CreatePriceRuleRequest;
import dev.tributary.v1.EraseGenerationRequest;
import dev.tributary.v1.PriceRule;
import dev.tributary.v1.SettleRequest;
import dev.tributary.v1.Settlement;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The commands of `tributary admin` on money and erasure.
class AdminDecisionsTest {
  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CommandRun.Result run(String... arguments) {
    return new CommandRun(server).run(arguments);
  }

  private Message decided() {
    return server.admin.decisions.remove();
  }

  private static Timestamp at(String time) {
    return Timestamp.newBuilder().setSeconds(Instant.parse(time).getEpochSecond()).build();
  }

  @Test
  void prices_set_sendsMillionths() {
    CommandRun.Result set =
        run(
            "admin",
            "prices",
            "set",
            "EUR",
            "--prompt",
            "0.25",
            "--completion",
            "1.5",
            "--contributors",
            "70%");
    assertThat(set.code()).isZero();
    assertThat(set.out())
        .isEqualTo(
            """
            LEAF  FROM                  TENANT  PER M PROMPT  PER M COMPLETION  CONTRIBUTORS'
            7     2027-01-15 08:00:00Z  -       0.25 EUR      1.5 EUR           70%
            """);
    PriceRule.Builder all =
        PriceRule.newBuilder()
            .setCurrency("EUR")
            .setPromptMicros(250_000)
            .setCompletionMicros(1_500_000)
            .setContributorsPpm(700_000);
    assertThat(decided()).isEqualTo(CreatePriceRuleRequest.newBuilder().setPriceRule(all).build());
    run(
        "admin",
        "prices",
        "set",
        "points",
        "--prompt=0",
        "--completion=1",
        "--contributors=0",
        "--tenant=acme",
        "--from=2027-02-01",
        "--note=an offer");
    assertThat(decided())
        .isEqualTo(
            CreatePriceRuleRequest.newBuilder()
                .setPriceRule(
                    PriceRule.newBuilder()
                        .setCurrency("points")
                        .setPromptMicros(0)
                        .setCompletionMicros(1_000_000)
                        .setContributorsPpm(0)
                        .setTenant("acme")
                        .setStartTime(at("2027-02-01T00:00:00Z"))
                        .setNote("an offer"))
                .build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--prompt=0.0000001 --completion=1 --contributors=1",
        "--prompt=-1 --completion=1 --contributors=1",
        "--prompt=1e3 --completion=1 --contributors=1",
        "--prompt=1 --completion=1 --contributors=101",
        "--prompt=1 --completion=1 --contributors=1 --from=2027-02-01T00:30:00Z",
        "--prompt=1 --completion=1 --contributors=1 --from=30d",
        "--prompt=1 --contributors=1"
      })
  void prices_thatAreNone_areNotSent(String options) {
    List<String> line = new java.util.ArrayList<>(List.of("admin", "prices", "set", "EUR"));
    line.addAll(List.of(options.split(" ")));
    assertThat(run(line.toArray(String[]::new)).code()).isEqualTo(2);
    assertThat(server.admin.decisions).isEmpty();
  }

  @Test
  void prices_list_showsAllPages() {
    assertThat(run("admin", "prices", "list").out())
        .isEqualTo(
            """
            LEAF  FROM                  TENANT  PER M PROMPT  PER M COMPLETION  CONTRIBUTORS'
            3     2027-01-15 08:00:00Z  -       0.25 EUR      1.5 EUR           70%
            5     2027-01-15 08:00:00Z  acme    0 EUR         1.5 EUR           70%            an offer
            """);
    assertThat(run("--json", "admin", "prices", "list").out().lines()).hasSize(2);
  }

  @Test
  void settle_asksFirst() throws IOException {
    CommandRun.Result refused =
        new CommandRun(server).interactive(false).reading("n\n").run("admin", "settle");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .isEqualTo(
            "Settle all up to this hour? It can't be taken back. [y/N] tributary: nothing was"
                + " changed\n");
    assertThat(run("admin", "settle").code()).as("nobody is there").isEqualTo(2);
    assertThat(server.admin.decisions).isEmpty();
    assertThat(run("admin", "settle", "--yes", "--until", "2027-01-15T08:00:00Z").out())
        .isEqualTo(
            """
            leaf        9
            from        2027-01-14 08:00:00Z
            to          2027-01-15 08:00:00Z
            fees        1 EUR
            credited    0.4 EUR
            nobody's    0.300001 EUR
            operator's  0.299999 EUR
            """);
    assertThat(decided())
        .isEqualTo(SettleRequest.newBuilder().setEndTime(at("2027-01-15T08:00:00Z")).build());
    Settlement.Builder told = Settlement.newBuilder();
    JsonFormat.parser().merge(run("--json", "admin", "settle", "--yes").out(), told);
    assertThat(told.getLeafIndex()).isEqualTo(9);
    assertThat(decided()).isEqualTo(SettleRequest.getDefaultInstance());
  }

  @Test
  void settlements_areListedAndShown() {
    assertThat(run("admin", "settlements").out())
        .isEqualTo(
            """
            LEAF  FROM                  TO                    FEES   CREDITED  NOBODY'S      OPERATOR'S
            9     2027-01-14 08:00:00Z  2027-01-15 08:00:00Z  1 EUR  0.4 EUR   0.300001 EUR  0.299999 EUR
            4     2027-01-14 08:00:00Z  2027-01-15 08:00:00Z  1 EUR  0.4 EUR   0.300001 EUR  0.299999 EUR
            """);
    assertThat(run("admin", "settlements", "9").out())
        .isEqualTo(
            """
            TENANT  CONTRIBUTOR  VERSION       ANSWERS  EARNED
            acme    ann          abababababab  3        0.4
            """);
    assertThat(run("--json", "admin", "settlements").out().lines()).hasSize(2);
    assertThat(run("--json", "admin", "settlements", "9").out()).contains("\"ann\"");
    assertThat(run("admin", "settlements", "8").code()).isEqualTo(1);
  }

  @Test
  void correct_sendsAllShares() {
    CommandRun.Result corrected =
        run(
            "admin",
            "correct",
            "acme",
            "0190",
            "--share",
            "ann@acme/town=40%",
            "--share",
            "bob@home=x@public/town=2.5",
            "--base=45%",
            "--reason",
            "copied");
    assertThat(corrected.err()).isEqualTo("corrected by leaf 11; 12.5% of it is nobody's\n");
    CorrectCreditRequest.Builder wanted =
        CorrectCreditRequest.newBuilder()
            .setTenant("acme")
            .setGenerationId("0190")
            .setBasePpm(450_000)
            .setReason("copied");
    wanted.addSharesBuilder().setContributor("ann").setAdapter("acme/town").setPpm(400_000);
    wanted.addSharesBuilder().setContributor("bob@home=x").setAdapter("public/town").setPpm(25_000);
    assertThat(decided()).isEqualTo(wanted.build());
    assertThat(run("--json", "admin", "correct", "a", "b", "--reason=x").out()).contains("11");
    for (String share : List.of("ann=1%", "ann@town=1%", "@a/b=1%", "ann@a/b", "ann@a/b=0")) {
      assertThat(run("admin", "correct", "a", "b", "--reason=x", "--share", share).code())
          .as(share)
          .isEqualTo(2);
    }
    assertThat(run("admin", "correct", "a", "b").err()).contains("--reason");
  }

  @Test
  void erase_asksFirst() {
    assertThat(run("admin", "erase", "acme", "0190").code()).isEqualTo(2);
    CommandRun.Result no =
        new CommandRun(server)
            .interactive(false)
            .reading("\n")
            .run("admin", "erase", "acme", "0190");
    assertThat(no.err()).startsWith("Erase generation 0190 of acme? [y/N] ");
    assertThat(server.admin.decisions).isEmpty();
    assertThat(run("admin", "erase", "acme", "0190", "--yes").err())
        .isEqualTo("generation 0190 is erased\n");
    assertThat(decided())
        .isEqualTo(
            EraseGenerationRequest.newBuilder()
                .setTenant("acme")
                .setGenerationId("0190")
                .setCause("request")
                .build());
    run("admin", "erase", "acme", "0190", "--yes", "--cause", "a court");
    assertThat(((EraseGenerationRequest) decided()).getCause()).isEqualTo("a court");
  }

  @Test
  void tenants_retention_isSetAndTakenBack() throws IOException {
    assertThat(run("admin", "tenants", "create", "acme", "--retention", "30d").out())
        .contains("retention            30d\n");
    Tenant.Builder shown = Tenant.newBuilder();
    JsonFormat.parser().merge(run("--json", "admin", "tenants", "show", "acme").out(), shown);
    assertThat(shown.getRetention()).isEqualTo(Duration.newBuilder().setSeconds(2_592_000).build());
    assertThat(run("admin", "tenants", "update", "acme", "--retention", "12h").code())
        .as("erases")
        .isEqualTo(2);
    assertThat(run("admin", "tenants", "update", "acme", "--retention", "12h", "--yes").out())
        .contains("retention            12h\n");
    assertThat(run("admin", "tenants", "update", "acme", "--retention", "none").out())
        .contains("retention            -\n");
    UpdateTenantRequest last = server.admin.updates.stream().toList().getLast();
    assertThat(last.getUpdateMask().getPathsList()).containsExactly("retention");
    assertThat(last.getTenant().hasRetention()).isFalse();
    assertThat(run("admin", "tenants", "update", "acme").err())
        .contains("give --display-name, --retention or both");
    assertThat(run("admin", "tenants", "update", "acme", "--retention", "soon").code())
        .isEqualTo(2);
  }
}
