package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.AdapterSelector;
import dev.tributary.v1.IndexVersionEvent;
import dev.tributary.v1.VersionIndex;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `tributary adapters index`: what a version's answers are attributed by.
@Command(
    name = "index",
    description = {
      "Build the index by which a version's answers are attributed to contributors, now instead of"
          + " before its first answer.",
      "The build goes on without this command; asked again, it shows the same one. A version that"
          + " was served without an index can't get one."
    })
final class AdaptersIndexCommand implements Callable<Integer> {
  private final Tributary tributary;
  private @Nullable ProgressBar bar;

  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Parameters(
      paramLabel = VersionArgument.SYNTAX,
      converter = VersionArgument.class,
      description = "VERSION is a number, an alias or a digest (default: prod).")
  private AdapterSelector version = AdapterSelector.getDefaultInstance();

  AdaptersIndexCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    try (TributaryClient client = tributary.client()) {
      print(client.index(version, timeout.time(), this::show));
    } finally {
      end();
    }
    return 0;
  }

  private void show(IndexVersionEvent.Progress progress) {
    if (tributary.json()) {
      tributary.printJson(progress);
      return;
    }
    if (bar == null) {
      bar = ProgressBar.counting(tributary, progress.getAll(), "passes");
      bar.start(progress.getDone());
    }
    bar.at(progress.getDone());
  }

  private void end() {
    if (bar != null) {
      bar.end();
      bar = null;
    }
  }

  private void print(VersionIndex index) {
    end();
    if (tributary.json()) {
      tributary.printJson(index);
      return;
    }
    if (index.getExisted()) {
      tributary.note(VersionPrinter.name(index.getVersion()) + " is indexed already");
    }
    tributary
        .terminal()
        .facts(
            new Table()
                .row("version", VersionPrinter.name(index.getVersion()))
                .row("method", index.getMethod())
                .row("index", index.getDigest())
                .row("clusters", Integer.toString(index.getClusters()))
                .row("thresholds", index.getThresholds()));
  }
}
