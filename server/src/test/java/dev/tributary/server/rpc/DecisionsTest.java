package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.bearer;
import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import com.google.protobuf.FieldMask;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.ResourceInfo;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.server.state.AuditEntry;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.Role;
import dev.tributary.v1.AdminGrpc;
import dev.tributary.v1.AdminGrpc.AdminBlockingStub;
import dev.tributary.v1.CorrectCreditRequest;
import dev.tributary.v1.CorrectCreditResponse;
import dev.tributary.v1.CreatePriceRuleRequest;
import dev.tributary.v1.CreateTenantRequest;
import dev.tributary.v1.EraseGenerationRequest;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.ListPriceRulesRequest;
import dev.tributary.v1.ListPriceRulesResponse;
import dev.tributary.v1.ListSettlementLinesRequest;
import dev.tributary.v1.ListSettlementLinesResponse;
import dev.tributary.v1.ListSettlementsRequest;
import dev.tributary.v1.ListSettlementsResponse;
import dev.tributary.v1.PriceRule;
import dev.tributary.v1.SettleRequest;
import dev.tributary.v1.Settlement;
import dev.tributary.v1.SettlementLine;
import dev.tributary.v1.Tenant;
import dev.tributary.v1.UpdateTenantRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Prices, settlements, corrections and erasures as calls.
@Timeout(120)
class DecisionsTest {
  private static final long HOUR = 3_600;
  private static final Instant NOW = Instant.parse("2026-11-21T23:40:00Z");

  @TempDir Path folder;
  @TempDir Path data;
  private RpcFixture fixture;
  private LedgerSamples samples;
  private AdminBlockingStub admin;

  @BeforeEach
  void open() {
    fixture = RpcFixture.recording(folder, data, InstantSource.fixed(NOW));
    samples = new LedgerSamples(Objects.requireNonNull(fixture.books).ledger());
    admin = fixture.adminService();
    var unused = fixture.state.tenants().create("acme", "", Quota.NONE);
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  /// Restarts the server on the same data.
  private void reopen() {
    fixture.close();
    fixture = RpcFixture.recording(folder, data, InstantSource.fixed(NOW));
    samples = new LedgerSamples(Objects.requireNonNull(fixture.books).ledger());
    admin = fixture.adminService();
  }

  private static long thisHour() {
    return NOW.getEpochSecond() / HOUR;
  }

  private static Timestamp at(long hour) {
    return Timestamp.newBuilder().setSeconds(hour * HOUR).build();
  }

  private static PriceRule.Builder price() {
    return PriceRule.newBuilder()
        .setCurrency("EUR")
        .setPromptMicros(1_000_000)
        .setCompletionMicros(2_000_000)
        .setContributorsPpm(500_000);
  }

  private PriceRule create(PriceRule.Builder rule) {
    return admin.createPriceRule(CreatePriceRuleRequest.newBuilder().setPriceRule(rule).build());
  }

  /// A price of long ago, which no call makes.
  private void pricedLongAgo() {
    var unused =
        samples.append(
            new PriceRuleRecord(
                new PriceRuleRecord.Open(1, "EUR", 1_000_000_000, 2_000_000_000, 500_000), "", ""));
    unused = samples.build("acme/town");
  }

  /// Of three prompt tokens and two others, so of 7,000 millionths by that price.
  private long generation(String id) {
    return samples.generation(id, "acme", (thisHour() - 1) * LedgerSamples.HOUR + 1, "acme/town");
  }

  private Settlement settle() {
    return admin.settle(SettleRequest.getDefaultInstance());
  }

  private static CorrectCreditRequest.Builder correction(String id, Object... shares) {
    CorrectCreditRequest.Builder request =
        CorrectCreditRequest.newBuilder()
            .setTenant("acme")
            .setGenerationId(id)
            .setReason("a dispute");
    for (int i = 0; i < shares.length; i += 3) {
      request
          .addSharesBuilder()
          .setContributor((String) shares[i])
          .setAdapter((String) shares[i + 1])
          .setPpm((int) shares[i + 2]);
    }
    return request;
  }

  private static EraseGenerationRequest erasure(String id) {
    return EraseGenerationRequest.newBuilder()
        .setTenant("acme")
        .setGenerationId(id)
        .setCause("request")
        .build();
  }

  private static void invalid(String field, ThrowingCallable call) {
    StatusRuntimeException end = refused(Status.Code.INVALID_ARGUMENT, call);
    assertThat(detail(end, BadRequest.class).getFieldViolations(0).getField()).isEqualTo(field);
  }

  private static String precondition(ThrowingCallable call) {
    StatusRuntimeException end = refused(Status.Code.FAILED_PRECONDITION, call);
    return detail(end, PreconditionFailure.class).getViolations(0).getType()
        + ": "
        + end.getStatus().getDescription();
  }

  private List<String> audit() {
    return fixture.state.audit().list(Long.MAX_VALUE, 100).reversed().stream()
        .map(DecisionsTest::line)
        .toList();
  }

  private static String line(AuditEntry entry) {
    return String.join(" ", entry.action(), entry.tenant(), entry.subject(), entry.outcome());
  }

  @Test
  void prices_areRecordedAndListedInPages() {
    PriceRule first = create(price());
    assertThat(first.getStartTime()).as("the next hour").isEqualTo(at(thisHour() + 1));
    PriceRule own =
        create(
            price()
                .setTenant("acme")
                .setStartTime(at(thisHour() + 48))
                .setPromptMicros(0)
                .setNote("an offer"));
    assertThat(own.getLeafIndex()).isGreaterThan(first.getLeafIndex());
    reopen();
    ListPriceRulesResponse page =
        admin.listPriceRules(ListPriceRulesRequest.newBuilder().setPageSize(1).build());
    assertThat(page.getPriceRulesList()).containsExactly(first);
    ListPriceRulesResponse rest =
        admin.listPriceRules(
            ListPriceRulesRequest.newBuilder().setPageToken(page.getNextPageToken()).build());
    assertThat(rest.getPriceRulesList()).containsExactly(own);
    assertThat(rest.getNextPageToken()).isEmpty();
    assertThat(audit())
        .containsExactly(
            "CreatePriceRule  leaf " + first.getLeafIndex() + " OK",
            "CreatePriceRule acme leaf " + own.getLeafIndex() + " OK");
  }

  @Test
  void prices_thatCannotBe_areRefusedByField() {
    assertNoPrice("price_rule.leaf_index", rule -> rule.setLeafIndex(1));
    assertNoPrice("price_rule.start_time", rule -> rule.setStartTime(at(thisHour())));
    assertNoPrice(
        "price_rule.start_time",
        rule -> rule.setStartTime(at(thisHour() + 2).toBuilder().setSeconds(1L << 40).build()));
    assertNoPrice("price_rule.tenant", rule -> rule.setTenant("No Tenant"));
    assertNoPrice("price_rule.currency", rule -> rule.setCurrency(" "));
    assertNoPrice("price_rule.currency", rule -> rule.setCurrency("x".repeat(17)));
    assertNoPrice("price_rule.prompt_micros", PriceRule.Builder::clearPromptMicros);
    assertNoPrice("price_rule.prompt_micros", rule -> rule.setPromptMicros(-1));
    assertNoPrice("price_rule.completion_micros", PriceRule.Builder::clearCompletionMicros);
    assertNoPrice(
        "price_rule.completion_micros", rule -> rule.setCompletionMicros(1_000_000_000_001L));
    assertNoPrice("price_rule.contributors_ppm", PriceRule.Builder::clearContributorsPpm);
    assertNoPrice("price_rule.contributors_ppm", rule -> rule.setContributorsPpm(1_000_001));
    assertNoPrice("price_rule.note", rule -> rule.setNote("two\nlines"));
    StatusRuntimeException end =
        refused(Status.Code.NOT_FOUND, () -> create(price().setTenant("nobody")));
    assertThat(detail(end, ResourceInfo.class).getResourceType()).isEqualTo("tenant");
    var unused = create(price());
    assertThat(precondition(() -> create(price().setCurrency("USD"))))
        .isEqualTo("ACCOUNTS: all prices are in one currency, EUR");
    assertThat(audit()).last().isEqualTo("CreatePriceRule   FAILED_PRECONDITION");
  }

  private void assertNoPrice(String field, Consumer<PriceRule.Builder> change) {
    PriceRule.Builder rule = price();
    change.accept(rule);
    invalid(field, () -> create(rule));
  }

  @Test
  void settle_closesThePeriodAndListsWhatIsPaid() {
    assertThat(precondition(this::settle)).contains("no price rule");
    pricedLongAgo();
    samples.attribution(generation("g1"), "ann", 1_000_000);
    samples.attribution(generation("g2"), "bob", 400_000);
    invalid(
        "end_time",
        () ->
            admin.settle(
                SettleRequest.newBuilder()
                    .setEndTime(Timestamp.newBuilder().setSeconds(1))
                    .build()));
    assertThat(
            precondition(
                () ->
                    admin.settle(
                        SettleRequest.newBuilder().setEndTime(at(thisHour() + 2)).build())))
        .contains("not after " + Instant.ofEpochSecond(thisHour() * HOUR));
    Settlement first = settle();
    assertThat(first.getFeeMicros()).isEqualTo(14_000);
    assertThat(first.getCreditedMicros()).isEqualTo(4_900);
    assertThat(first.getUnattributedMicros()).isEqualTo(2_100);
    assertThat(first.getOperatorMicros()).isEqualTo(7_000);
    assertThat(first.getPeriod().getEnd()).isEqualTo(at(thisHour()));
    assertThat(precondition(this::settle)).startsWith("ACCOUNTS: a period must end after");
    reopen();
    ListSettlementsResponse all =
        admin.listSettlements(ListSettlementsRequest.getDefaultInstance());
    assertThat(all.getSettlementsList()).containsExactly(first);
    ListSettlementLinesRequest.Builder lines =
        ListSettlementLinesRequest.newBuilder().setLeafIndex(first.getLeafIndex()).setPageSize(1);
    ListSettlementLinesResponse page = admin.listSettlementLines(lines.build());
    SettlementLine ann =
        SettlementLine.newBuilder()
            .setTenant("acme")
            .setContributor("ann")
            .setDigest(LedgerSamples.digest("acme/town").text())
            .setGenerations(1)
            .setPpm(1_000_000)
            .setAmountMicros(3_500)
            .build();
    assertThat(page.getLinesList()).containsExactly(ann);
    ListSettlementLinesResponse rest =
        admin.listSettlementLines(lines.setPageToken(page.getNextPageToken()).build());
    assertThat(rest.getLinesList())
        .containsExactly(
            ann.toBuilder().setContributor("bob").setPpm(400_000).setAmountMicros(1_400).build());
    assertThat(rest.getNextPageToken()).isEmpty();
    StatusRuntimeException none =
        refused(
            Status.Code.NOT_FOUND,
            () ->
                admin.listSettlementLines(
                    ListSettlementLinesRequest.newBuilder().setLeafIndex(0).build()));
    assertThat(detail(none, ResourceInfo.class).getResourceType()).isEqualTo("settlement");
  }

  @Test
  void correctCredit_countsUntilItIsSettled() {
    pricedLongAgo();
    samples.attribution(generation("g1"), "ann", 1_000_000);
    generation("bare");
    CorrectCreditResponse corrected =
        admin.correctCredit(
            correction("g1", "bob", "acme/town", 600_000).setBasePpm(100_000).build());
    assertThat(corrected.getUnattributedPpm()).isEqualTo(300_000);
    assertThat(precondition(() -> admin.correctCredit(correction("bare").build())))
        .contains("not attributed yet");
    Settlement settled = settle();
    assertThat(settled.getCreditedMicros()).isEqualTo(2_100);
    assertThat(
            admin
                .listSettlementLines(
                    ListSettlementLinesRequest.newBuilder()
                        .setLeafIndex(settled.getLeafIndex())
                        .build())
                .getLinesList())
        .extracting(SettlementLine::getContributor)
        .containsExactly("bob");
    assertThat(precondition(() -> admin.correctCredit(correction("g1").build())))
        .contains("is settled");
    assertThat(audit())
        .containsExactly(
            "CorrectCredit acme g1 OK",
            "CorrectCredit acme bare FAILED_PRECONDITION",
            "Settle  leaf " + settled.getLeafIndex() + " OK",
            "CorrectCredit acme g1 FAILED_PRECONDITION");
  }

  @Test
  void correctCredit_ofWhatCannotBe_isRefusedByField() {
    pricedLongAgo();
    samples.attribution(generation("g1"), "ann", 1_000_000);
    assertNotCorrected("shares[0].adapter", correction("g1", "bob", "acme/other", 1));
    assertNotCorrected("shares[0].contributor", correction("g1", "", "acme/town", 1));
    assertNotCorrected("shares[0].ppm", correction("g1", "bob", "acme/town", 0));
    assertNotCorrected("shares[1]", correction("g1", "bob", "acme/town", 1, "bob", "acme/town", 1));
    assertNotCorrected("shares", correction("g1", "bob", "acme/town", 1_000_000).setBasePpm(1));
    assertNotCorrected("base_ppm", correction("g1").setBasePpm(-1));
    assertNotCorrected("reason", correction("g1").setReason(" "));
    assertNotCorrected("tenant", correction("g1").setTenant(""));
    assertNotCorrected("generation_id", correction(""));
    for (CorrectCreditRequest.Builder other :
        List.of(correction("g2"), correction("g1").setTenant("public"))) {
      StatusRuntimeException end =
          refused(Status.Code.NOT_FOUND, () -> admin.correctCredit(other.build()));
      assertThat(detail(end, ResourceInfo.class).getResourceType()).isEqualTo("generation");
    }
  }

  private void assertNotCorrected(String field, CorrectCreditRequest.Builder request) {
    invalid(field, () -> admin.correctCredit(request.build()));
  }

  @Test
  void eraseGeneration_waitsForTheSettlementAndLeavesNothing() {
    pricedLongAgo();
    long leaf = generation("g1");
    long attribution = samples.attribution(leaf, "ann", 1_000_000);
    var key = fixture.provenance(fixture.key("acme", Role.USER));
    GetReceiptRequest receipt = GetReceiptRequest.newBuilder().setGenerationId("g1").build();
    assertThat(key.getReceipt(receipt).getFile().isEmpty()).isFalse();
    assertThat(precondition(() -> admin.eraseGeneration(erasure("g1"))))
        .isEqualTo(
            "ACCOUNTS: the generation has a price and is not settled yet: settle its hour first");
    Settlement settled = settle();
    invalid(
        "cause",
        () -> admin.eraseGeneration(erasure("g1").toBuilder().setCause("two\nlines").build()));
    var unused = admin.eraseGeneration(erasure("g1"));
    assertThat(samples.ledger().erased(leaf)).isTrue();
    assertThat(samples.ledger().erased(attribution)).isTrue();
    reopen();
    var again = fixture.provenance(fixture.key("acme", Role.USER));
    assertThat(refused(Status.Code.NOT_FOUND, () -> again.getReceipt(receipt))).isNotNull();
    assertThat(refused(Status.Code.NOT_FOUND, () -> admin.eraseGeneration(erasure("g1"))))
        .isNotNull();
    assertThat(
            admin.listSettlements(ListSettlementsRequest.getDefaultInstance()).getSettlementsList())
        .as("what was paid stays paid")
        .containsExactly(settled);
  }

  @Test
  void retention_isAFieldOfTheTenant() {
    Tenant made =
        admin.createTenant(
            CreateTenantRequest.newBuilder()
                .setTenant(
                    Tenant.newBuilder()
                        .setName("bolt")
                        .setRetention(Duration.newBuilder().setSeconds(86_400)))
                .build());
    assertThat(made.getRetention().getSeconds()).isEqualTo(86_400);
    reopen();
    UpdateTenantRequest.Builder update =
        UpdateTenantRequest.newBuilder()
            .setTenant(Tenant.newBuilder().setName("bolt"))
            .setUpdateMask(FieldMask.newBuilder().addPaths("display_name"));
    assertThat(admin.updateTenant(update.build()).getRetention().getSeconds()).isEqualTo(86_400);
    update.setUpdateMask(FieldMask.newBuilder().addPaths("retention"));
    assertThat(admin.updateTenant(update.build()).hasRetention()).isFalse();
    for (Duration bad :
        List.of(
            Duration.getDefaultInstance(),
            Duration.newBuilder().setSeconds(3_599).build(),
            Duration.newBuilder().setSeconds(3_600).setNanos(1).build(),
            Duration.newBuilder().setSeconds(Long.MAX_VALUE).build())) {
      update.getTenantBuilder().setRetention(bad);
      invalid("tenant.retention", () -> admin.updateTenant(update.build()));
    }
    assertThat(fixture.state.tenants().get("bolt").orElseThrow().retention()).isNull();
  }

  @Test
  void noOtherRole_decidesAnything() {
    pricedLongAgo();
    generation("g1");
    for (Role role : List.of(Role.USER, Role.OWNER, Role.CONTRIBUTOR, Role.AUDITOR)) {
      AdminBlockingStub other =
          AdminGrpc.newBlockingStub(fixture.adminChannel)
              .withInterceptors(bearer(fixture.key("acme", role)));
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () -> other.createPriceRule(CreatePriceRuleRequest.getDefaultInstance()),
              () -> other.listPriceRules(ListPriceRulesRequest.getDefaultInstance()),
              () -> other.settle(SettleRequest.getDefaultInstance()),
              () -> other.listSettlements(ListSettlementsRequest.getDefaultInstance()),
              () -> other.listSettlementLines(ListSettlementLinesRequest.getDefaultInstance()),
              () -> other.correctCredit(correction("g1").build()),
              () -> other.eraseGeneration(erasure("g1")),
              () ->
                  other.updateTenant(
                      UpdateTenantRequest.newBuilder()
                          .setTenant(Tenant.newBuilder().setName("acme"))
                          .setUpdateMask(FieldMask.newBuilder().addPaths("retention"))
                          .build()))) {
        assertThat(refused(Status.Code.PERMISSION_DENIED, call)).as(role.name()).isNotNull();
      }
    }
    assertThat(fixture.server.methods()).noneMatch(method -> method.contains("Settle"));
    assertThat(Objects.requireNonNull(fixture.books).accounts().settlementsBefore(100, 1))
        .isEmpty();
  }

  @Test
  void withoutALedger_nothingOfItWorks(@TempDir Path other) {
    try (RpcFixture bare = RpcFixture.serving(other)) {
      AdminBlockingStub asked = bare.adminService();
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () ->
                  asked.createPriceRule(
                      CreatePriceRuleRequest.newBuilder().setPriceRule(price()).build()),
              () -> asked.listPriceRules(ListPriceRulesRequest.getDefaultInstance()),
              () -> asked.settle(SettleRequest.getDefaultInstance()),
              () -> asked.listSettlements(ListSettlementsRequest.getDefaultInstance()),
              () -> asked.listSettlementLines(ListSettlementLinesRequest.getDefaultInstance()),
              () -> asked.correctCredit(correction("g1").build()),
              () -> asked.eraseGeneration(erasure("g1")))) {
        assertThat(precondition(call)).startsWith("LEDGER_OFF: ").contains("--ledger on");
      }
    }
  }
}
