package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.v1.PriceRule;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary admin prices`: one method per command.
@Command(name = "prices", description = "Look after what answers cost.")
final class AdminPrices {
  private final Tributary tributary;
  private final AdminCommand admin;

  AdminPrices(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Command(name = "list", description = "List all prices, those that are replaced too.")
  int list() throws IOException {
    List<PriceRule> rules;
    try (AdminClient client = admin.client()) {
      rules = client.priceRules();
    }
    if (tributary.json()) {
      rules.forEach(tributary::printJson);
    } else if (rules.isEmpty()) {
      tributary.note("There are no prices: answers cost nothing.");
    } else {
      print(rules);
    }
    return 0;
  }

  @Command(
      name = "set",
      description = {
        "Record what answers cost from an hour on; a tenant's own price comes before that of all,"
            + " a later one before an earlier.",
        "What of the contributors' part no share pays out is nobody's, never the operator's."
      },
      footer = {
        "%nExamples:",
        "  tributary admin prices set EUR --prompt 0.25 --completion 1.5 --contributors 70%%",
        "  tributary admin prices set EUR --tenant acme --from 2027-01-01 --prompt 0 --completion 1"
            + " --contributors 50%%"
      })
  int set(
      @Option(
              names = "--prompt",
              paramLabel = "AMOUNT",
              required = true,
              converter = AmountArgument.class,
              description = "Per million prompt tokens; 0 is free.")
          long prompt,
      @Option(
              names = "--completion",
              paramLabel = "AMOUNT",
              required = true,
              converter = AmountArgument.class,
              description = "Per million completion tokens.")
          long completion,
      @Option(
              names = "--contributors",
              paramLabel = "PERCENT",
              required = true,
              converter = PartArgument.class,
              description = "What part of it is the contributors'.")
          int contributors,
      @Option(
              names = "--tenant",
              paramLabel = "TENANT",
              defaultValue = "",
              description = "For this tenant's answers (without: for all).")
          String tenant,
      @Option(
              names = "--from",
              paramLabel = "TIME",
              converter = HourArgument.class,
              description =
                  "From this hour on, 2027-01-31 or 2027-01-31T12:00:00Z (without: the next).")
          @Nullable Instant from,
      @Option(names = "--note", paramLabel = "TEXT", defaultValue = "", description = "For people.")
          String note,
      @Parameters(
              paramLabel = "CURRENCY",
              description = "Such as EUR, or your own word for points; there is one for ever.")
          String currency)
      throws IOException {
    PriceRule.Builder rule =
        PriceRule.newBuilder()
            .setTenant(tenant)
            .setCurrency(currency)
            .setPromptMicros(prompt)
            .setCompletionMicros(completion)
            .setContributorsPpm(contributors)
            .setNote(note);
    if (from != null) {
      rule.setStartTime(TimeArgument.timestamp(from));
    }
    PriceRule made;
    try (AdminClient client = admin.client()) {
      made = client.createPriceRule(rule.build());
    }
    if (tributary.json()) {
      tributary.printJson(made);
    } else {
      print(List.of(made));
    }
    return 0;
  }

  private void print(List<PriceRule> rules) {
    Table table =
        new Table()
            .row("LEAF", "FROM", "TENANT", "PER M PROMPT", "PER M COMPLETION", "CONTRIBUTORS'", "");
    for (PriceRule rule : rules) {
      table.row(
          Long.toString(rule.getLeafIndex()),
          Texts.time(rule.hasStartTime(), rule.getStartTime()),
          rule.getTenant().isEmpty() ? "-" : rule.getTenant(),
          Texts.amount(rule.getPromptMicros(), rule.getCurrency()),
          Texts.amount(rule.getCompletionMicros(), rule.getCurrency()),
          Texts.ppm(rule.getContributorsPpm()),
          rule.getNote());
    }
    tributary.terminal().table(table);
  }
}
