package dev.tributary.client.cli;

import com.google.protobuf.Duration;
import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdapterVersion.State;
import dev.tributary.v1.Alias;
import dev.tributary.v1.VersionFigures;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `tributary adapters versions`: the versions of an adapter, and how their answers went.
@Command(
    name = "versions",
    description = {
      "List an adapter's versions, newest first, with how their answers went since the server"
          + " started. Times are p50/p95.",
      "SHADOW GAP is log p under the version less log p under the one that wrote the answer, in nats"
          + " per token, over answers that were scored again."
    })
final class AdaptersVersionsCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Parameters(paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  AdaptersVersionsCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    Adapter adapter;
    List<AdapterVersion> versions;
    try (TributaryClient client = tributary.client()) {
      adapter = client.adapter(name);
      versions = client.versions(adapter.getName());
    }
    if (tributary.json()) {
      versions.forEach(tributary::printJson);
    } else if (versions.isEmpty()) {
      tributary.note(
          Texts.name(adapter.getName())
              + " has no versions; `tributary adapters upload NAME FOLDER` adds one.");
    } else {
      print(adapter, versions);
    }
    return 0;
  }

  private void print(Adapter adapter, List<AdapterVersion> versions) {
    Table table =
        new Table()
            .row(
                "VERSION",
                "ALIASES",
                "STATE",
                "TIER",
                "DIGEST",
                "CREATED",
                "ANSWERS",
                "ERRORS",
                "REFUSALS",
                "FIRST TOKEN",
                "BETWEEN TOKENS",
                "TOKENS",
                "SHADOW GAP");
    for (AdapterVersion version : versions) {
      VersionFigures figures = version.getFigures();
      table.row(
          Integer.toString(version.getNumber()),
          aliases(adapter, version.getNumber()),
          version.getState() == State.STATE_UNSPECIFIED ? "-" : Texts.state(version.getState()),
          Texts.tier(version),
          Texts.shortDigest(version.getDigest()),
          Texts.time(version.hasCreateTime(), version.getCreateTime()),
          Long.toString(figures.getAnswers()),
          Long.toString(figures.getErrors()),
          Long.toString(figures.getRefusals()),
          pair(figures.hasFirstTokenP50(), figures.getFirstTokenP50(), figures.getFirstTokenP95()),
          pair(
              figures.hasBetweenTokensP50(),
              figures.getBetweenTokensP50(),
              figures.getBetweenTokensP95()),
          figures.getAnswers() == 0 ? "-" : decimal("%.1f", figures.getMeanCompletionTokens()),
          gap(figures));
    }
    tributary.terminal().table(table);
    for (AdapterVersion version : versions) {
      if (!version.getStateReason().isEmpty()) {
        tributary.note("version %d: %s".formatted(version.getNumber(), version.getStateReason()));
      }
      if (version.getWithdrawnContributions() > 0) {
        tributary.note(
            "version %d: was trained on %d contributions that are withdrawn; make it anew"
                .formatted(version.getNumber(), version.getWithdrawnContributions()));
      }
    }
  }

  /// Which aliases lead to a version, with its share where it is not all; and which score under it.
  private static String aliases(Adapter adapter, int number) {
    List<String> texts = new ArrayList<>();
    for (Alias alias : adapter.getAliasesList()) {
      for (Alias.Target target : alias.getTargetsList()) {
        if (target.getNumber() == number) {
          boolean whole = alias.getTargetsCount() == 1;
          texts.add(alias.getName() + (whole ? "" : " " + Texts.share(alias, target)));
        }
      }
      if (alias.hasShadow() && alias.getShadow().getNumber() == number) {
        texts.add("shadow of " + alias.getName());
      }
    }
    return texts.isEmpty() ? "-" : String.join(", ", texts);
  }

  private static String pair(boolean known, Duration p50, Duration p95) {
    return known ? Texts.duration(p50) + " / " + Texts.duration(p95) : "-";
  }

  private static String gap(VersionFigures figures) {
    return figures.getShadowAnswers() == 0
        ? "-"
        : decimal("%+.4f", figures.getShadowLogProbGap())
            + " ("
            + figures.getShadowAnswers()
            + " answers)";
  }

  private static String decimal(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
