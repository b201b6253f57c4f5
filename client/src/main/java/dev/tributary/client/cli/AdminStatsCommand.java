package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.v1.Stats;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/// `tributary admin stats`: the server at this moment.
@Command(name = "stats", description = "Show what the server does and holds.")
final class AdminStatsCommand implements Callable<Integer> {
  private final Tributary tributary;
  private final AdminCommand admin;

  AdminStatsCommand(Tributary tributary, AdminCommand admin) {
    this.tributary = tributary;
    this.admin = admin;
  }

  @Override
  public Integer call() throws IOException {
    Stats stats;
    try (AdminClient client = admin.client()) {
      stats = client.stats();
    }
    if (tributary.json()) {
      tributary.printJson(stats);
    } else {
      tributary.terminal().facts(table(stats));
    }
    return 0;
  }

  private static Table table(Stats stats) {
    return new Table()
        .row("started", Texts.time(stats.hasStartTime(), stats.getStartTime()))
        .row("up", uptime(Duration.ofSeconds(stats.getUptime().getSeconds())))
        .row("draining", stats.getDraining() ? "yes" : "no")
        .row("running", stats.getRunningRequests() + " requests")
        .row("queued", stats.getQueuedRequests() + " requests")
        .row("answered", stats.getGenerations() + " requests")
        .row("turned down", stats.getRejectedRequests() + " requests")
        .row(
            "prompt",
            "%d tokens, %d of them cached"
                .formatted(stats.getPromptTokens(), stats.getCachedTokens()))
        .row("completion", stats.getCompletionTokens() + " tokens")
        .row("steps", Long.toString(stats.getSteps()))
        .row("KV cache", "%d of %d pages".formatted(stats.getKvPagesUsed(), stats.getKvPages()))
        .row("device tier", adapters(stats.getDeviceAdapters(), stats.getDeviceAdapterBytes()))
        .row("host tier", adapters(stats.getHostAdapters(), stats.getHostAdapterBytes()))
        .row("disk tier", adapters(stats.getDiskAdapters(), stats.getDiskAdapterBytes()))
        .row("adapter loads", Long.toString(stats.getAdapterLoads()))
        .row("memory", Texts.bytes(stats.getResidentBytes()));
  }

  private static String adapters(int count, long bytes) {
    return "%d adapters, %s".formatted(count, Texts.bytes(bytes));
  }

  private static String uptime(Duration time) {
    return "%d d %02d:%02d:%02d"
        .formatted(time.toDays(), time.toHoursPart(), time.toMinutesPart(), time.toSecondsPart());
  }
}
