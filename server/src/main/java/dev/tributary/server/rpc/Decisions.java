package dev.tributary.server.rpc;

import com.google.protobuf.Empty;
import com.google.protobuf.Timestamp;
import dev.tributary.record.AdapterUse;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Record;
import dev.tributary.record.SettlementRecord;
import dev.tributary.record.Shares;
import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.accounts.CorrectedShare;
import dev.tributary.server.accounts.Generation;
import dev.tributary.server.accounts.PriceRule;
import dev.tributary.server.accounts.Settlement;
import dev.tributary.server.state.Tenants;
import dev.tributary.v1.CorrectCreditRequest;
import dev.tributary.v1.CorrectCreditResponse;
import dev.tributary.v1.CreatePriceRuleRequest;
import dev.tributary.v1.EraseGenerationRequest;
import dev.tributary.v1.ListPriceRulesRequest;
import dev.tributary.v1.ListPriceRulesResponse;
import dev.tributary.v1.ListSettlementLinesRequest;
import dev.tributary.v1.ListSettlementLinesResponse;
import dev.tributary.v1.ListSettlementsRequest;
import dev.tributary.v1.ListSettlementsResponse;
import dev.tributary.v1.SettleRequest;
import dev.tributary.v1.SettlementLine;
import dev.tributary.v1.TimeRange;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What the operator decides of money and erasure: prices, settlements, corrections, erasures.
final class Decisions {
  private final @Nullable Books books;
  private final Tenants tenants;
  private final InstantSource time;

  /// @param books null: this server keeps none
  Decisions(@Nullable Books books, Tenants tenants, InstantSource time) {
    this.books = books;
    this.tenants = tenants;
    this.time = time;
  }

  private Books books() {
    if (books == null) {
      throw Statuses.precondition(
          "LEDGER_OFF",
          "",
          "this server keeps no ledger, so answers have no records and no price; start it with"
              + " --ledger on");
    }
    return books;
  }

  private Accounts accounts() {
    return books().accounts();
  }

  private long hour() {
    return Record.hour(ChronoUnit.MICROS.between(Instant.EPOCH, time.instant()));
  }

  dev.tributary.v1.PriceRule price(CreatePriceRuleRequest request) {
    Accounts accounts = accounts();
    PriceRuleRecord rule = DecisionRequests.rule(request.getPriceRule(), hour());
    String tenant = rule.tenant();
    if (!tenant.isEmpty() && tenants.get(tenant).isEmpty()) {
      throw Statuses.notFound("tenant", tenant);
    }
    long leaf = accounts.price(rule);
    return request.getPriceRule().toBuilder()
        .setLeafIndex(leaf)
        .setStartTime(start(rule.open().hour()))
        .build();
  }

  ListPriceRulesResponse prices(ListPriceRulesRequest request) {
    String list = "price rules";
    int size = AdapterRequests.pageSize(request.getPageSize());
    PageToken page = PageToken.read(request.getPageToken(), list);
    long from = page.last().isEmpty() ? 0 : page.leaf();
    books().follow();
    List<PriceRule> found =
        accounts().priceRules().stream().filter(rule -> rule.leaf() >= from).toList();
    ListPriceRulesResponse.Builder response = ListPriceRulesResponse.newBuilder();
    found.stream().limit(size).forEach(rule -> response.addPriceRules(rule(rule)));
    if (found.size() > size) {
      response.setNextPageToken(new PageToken(list, Long.toString(found.get(size).leaf())).text());
    }
    return response.build();
  }

  private static dev.tributary.v1.PriceRule rule(PriceRule rule) {
    return dev.tributary.v1.PriceRule.newBuilder()
        .setLeafIndex(rule.leaf())
        .setStartTime(start(rule.hour()))
        .setTenant(rule.tenant())
        .setCurrency(rule.currency())
        .setPromptMicros(rule.promptMicros())
        .setCompletionMicros(rule.completionMicros())
        .setContributorsPpm(rule.contributorsPpm())
        .setNote(rule.note())
        .build();
  }

  dev.tributary.v1.Settlement settle(SettleRequest request) {
    Accounts accounts = accounts();
    long end =
        request.hasEndTime() ? DecisionRequests.hour(request.getEndTime(), "end_time") : hour();
    long leaf = accounts.settle(end);
    return settlement(accounts.settlement(leaf).orElseThrow());
  }

  ListSettlementsResponse settlements(ListSettlementsRequest request) {
    String list = "settlements";
    int size = AdapterRequests.pageSize(request.getPageSize());
    PageToken page = PageToken.read(request.getPageToken(), list);
    long before = page.last().isEmpty() ? Long.MAX_VALUE : page.leaf();
    books().follow();
    List<Settlement> found = accounts().settlementsBefore(before, size + 1);
    ListSettlementsResponse.Builder response = ListSettlementsResponse.newBuilder();
    found.stream().limit(size).forEach(each -> response.addSettlements(settlement(each)));
    if (found.size() > size) {
      response.setNextPageToken(
          new PageToken(list, Long.toString(found.get(size - 1).leaf())).text());
    }
    return response.build();
  }

  private static dev.tributary.v1.Settlement settlement(Settlement settled) {
    return dev.tributary.v1.Settlement.newBuilder()
        .setLeafIndex(settled.leaf())
        .setCreateTime(start(settled.hour()))
        .setPeriod(
            TimeRange.newBuilder()
                .setStart(start(settled.fromHour()))
                .setEnd(start(settled.toHour())))
        .setFirstLeafIndex(settled.firstLeaf())
        .setLastLeafIndex(settled.lastLeaf())
        .setCurrency(settled.currency())
        .setFeeMicros(settled.fees())
        .setCreditedMicros(settled.credited())
        .setUnattributedMicros(settled.unattributed())
        .setOperatorMicros(settled.fees() - settled.credited() - settled.unattributed())
        .build();
  }

  ListSettlementLinesResponse lines(ListSettlementLinesRequest request) {
    long leaf = request.getLeafIndex();
    String list = "settlement " + leaf;
    int size = AdapterRequests.pageSize(request.getPageSize());
    PageToken page = PageToken.read(request.getPageToken(), list);
    long from = page.last().isEmpty() ? 0 : page.leaf();
    books().follow();
    if (accounts().settlementsBefore(leaf + 1, 1).stream().noneMatch(it -> it.leaf() == leaf)) {
      throw Statuses.notFound("settlement", Long.toString(leaf));
    }
    List<SettlementRecord.Line> found = accounts().settlementLines(leaf, from, size + 1);
    ListSettlementLinesResponse.Builder response = ListSettlementLinesResponse.newBuilder();
    found.stream().limit(size).forEach(line -> response.addLines(line(line)));
    if (found.size() > size) {
      response.setNextPageToken(new PageToken(list, Long.toString(from + size)).text());
    }
    return response.build();
  }

  private static SettlementLine line(SettlementRecord.Line line) {
    return SettlementLine.newBuilder()
        .setTenant(line.tenant())
        .setContributor(line.contributor())
        .setDigest(line.adapter().text())
        .setGenerations(line.generations())
        .setPpm(line.ppm())
        .setAmountMicros(line.micros())
        .build();
  }

  CorrectCreditResponse correct(CorrectCreditRequest request) {
    Generation found = find(request.getTenant(), request.getGenerationId());
    String reason = DecisionRequests.reason(request.getReason());
    List<CorrectedShare> shares =
        DecisionRequests.shares(request, found.adapters().stream().map(AdapterUse::name).toList());
    int base = request.getBasePpm();
    long leaf = accounts().correct(found.leaf(), shares, base, reason);
    int given = shares.stream().mapToInt(CorrectedShare::ppm).sum();
    return CorrectCreditResponse.newBuilder()
        .setLeafIndex(leaf)
        .setUnattributedPpm(Shares.WHOLE - base - given)
        .build();
  }

  Empty erase(EraseGenerationRequest request) {
    String cause = DecisionRequests.cause(request.getCause());
    Generation found = find(request.getTenant(), request.getGenerationId());
    accounts().erase(found.tenant(), found.leaf(), cause);
    return Empty.getDefaultInstance();
  }

  /// One that is over; an erased one is found no more.
  private Generation find(String tenant, String id) {
    DecisionRequests.checkGeneration(tenant, id);
    books().follow();
    return accounts().generation(tenant, id).orElseThrow(() -> Statuses.notFound("generation", id));
  }

  /// When an hour begins.
  private static Timestamp start(long hour) {
    return Timestamp.newBuilder().setSeconds(hour * 3_600).build();
  }
}
