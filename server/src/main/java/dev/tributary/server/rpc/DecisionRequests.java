package dev.tributary.server.rpc;

import com.google.protobuf.Timestamp;
import dev.tributary.record.PriceRuleRecord;
import dev.tributary.record.Record;
import dev.tributary.record.Shares;
import dev.tributary.server.accounts.CorrectedShare;
import dev.tributary.server.accounts.PriceRule;
import dev.tributary.v1.CorrectCreditRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Reads what the operator decides of money and erasure: what is out of range is INVALID_ARGUMENT
/// with its path.
final class DecisionRequests {
  private static final int MAX_CURRENCY = 16;
  private static final int MAX_NOTE = 200;
  private static final int MAX_REASON = 1_000;
  private static final int MAX_CAUSE = 200;

  private DecisionRequests() {}

  /// @param now hours since 1970
  static PriceRuleRecord rule(dev.tributary.v1.PriceRule asked, long now) {
    String path = "price_rule.";
    if (asked.getLeafIndex() != 0) {
      throw Statuses.invalid(path + "leaf_index", "is set by the server");
    }
    long hour = asked.hasStartTime() ? hour(asked.getStartTime(), path + "start_time") : now + 1;
    if (hour <= now || hour > Record.hour(Long.MAX_VALUE)) {
      throw Statuses.invalid(
          path + "start_time", "must be after now: no hour is priced afterwards");
    }
    if (!asked.getTenant().isEmpty()) {
      AdminRequests.checkTenant(asked.getTenant(), path + "tenant");
    }
    if (!asked.getNote().isEmpty()) {
      ProvenanceRequests.text(asked.getNote(), MAX_NOTE, path + "note");
    }
    return new PriceRuleRecord(
        new PriceRuleRecord.Open(
            hour,
            ProvenanceRequests.text(asked.getCurrency(), MAX_CURRENCY, path + "currency"),
            amount(asked.hasPromptMicros(), asked.getPromptMicros(), path + "prompt_micros"),
            amount(
                asked.hasCompletionMicros(),
                asked.getCompletionMicros(),
                path + "completion_micros"),
            part(asked, path + "contributors_ppm")),
        asked.getTenant(),
        asked.getNote());
  }

  private static long amount(boolean given, long micros, String field) {
    if (!given) {
      throw Statuses.invalid(field, "is required; 0 is free");
    }
    if (micros < 0 || micros > PriceRule.MOST_MICROS) {
      throw Statuses.invalid(
          field, "is " + micros + ", must be between 0 and " + PriceRule.MOST_MICROS);
    }
    return micros;
  }

  private static int part(dev.tributary.v1.PriceRule asked, String field) {
    if (!asked.hasContributorsPpm()) {
      throw Statuses.invalid(field, "is required; 0 leaves all to the operator");
    }
    return ppm(asked.getContributorsPpm(), 0, field);
  }

  private static int ppm(int ppm, int least, String field) {
    if (ppm < least || ppm > Shares.WHOLE) {
      throw Statuses.invalid(
          field, "is " + ppm + ", must be between " + least + " and " + Shares.WHOLE);
    }
    return ppm;
  }

  /// Hours since 1970 at the beginning of one.
  static long hour(Timestamp time, String field) {
    long micros = ProvenanceRequests.micros(time, field);
    if (micros % Record.MICROS_PER_HOUR != 0 || time.getNanos() != 0) {
      throw Statuses.invalid(field, "must be at the beginning of an hour");
    }
    return Record.hour(micros);
  }

  static void checkGeneration(String tenant, String id) {
    AdminRequests.checkTenant(tenant, "tenant");
    if (id.isEmpty()) {
      throw Statuses.invalid("generation_id", "is required");
    }
  }

  static String cause(String cause) {
    return ProvenanceRequests.text(cause, MAX_CAUSE, "cause");
  }

  static String reason(String reason) {
    return ProvenanceRequests.text(reason, MAX_REASON, "reason");
  }

  /// @param adapters `tenant/name` of those that made the answer
  static List<CorrectedShare> shares(CorrectCreditRequest request, List<String> adapters) {
    List<CorrectedShare> shares = new ArrayList<>();
    Set<List<String>> seen = new HashSet<>();
    long sum = ppm(request.getBasePpm(), 0, "base_ppm");
    for (CorrectCreditRequest.Share each : request.getSharesList()) {
      String path = "shares[" + shares.size() + "]";
      ProvenanceRequests.name(each.getContributor(), path + ".contributor");
      if (!adapters.contains(each.getAdapter())) {
        throw Statuses.invalid(
            path + ".adapter",
            "is \"%s\", must be one that made the answer: %s"
                .formatted(
                    each.getAdapter(), adapters.isEmpty() ? "none" : String.join(", ", adapters)));
      }
      if (!seen.add(List.of(each.getContributor(), each.getAdapter()))) {
        throw Statuses.invalid(path, "is there twice");
      }
      sum += ppm(each.getPpm(), 1, path + ".ppm");
      shares.add(new CorrectedShare(each.getContributor(), each.getAdapter(), each.getPpm()));
    }
    if (sum > Shares.WHOLE) {
      throw Statuses.invalid(
          "shares", "sum up to " + sum + " with base_ppm, must be at most " + Shares.WHOLE);
    }
    return shares;
  }
}
