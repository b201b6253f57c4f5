package dev.tributary.client.cli;

import dev.tributary.client.AdminClient;
import dev.tributary.v1.CertifyModelProgress;
import dev.tributary.v1.ModelCertificate;
import dev.tributary.v1.ModelCertificate.Format;
import dev.tributary.v1.ModelCertificate.Slice;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `tributary model certify`: what the base's four bits cost.
@Command(
    name = "certify",
    description = {
      "Measure what the base's four bits cost, against the unquantised model that it was made of:"
          + " KL divergence, flips of the most probable token and perplexity, by kind of text.",
      "Asks the admin port, which wants the admin key. The server measures in what time answers"
          + " leave it, and keeps the result."
    },
    footer = {
      "%nExamples:",
      "  tributary model certify models/SmolLM2-135M-Instruct",
      "  tributary model certify --show"
    })
final class ModelCertifyCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private final AdminPort port = new AdminPort();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      paramLabel = "SOURCE",
      arity = "0..1",
      description = {
        "Path on the server's machine, below its --import-root: a Hugging Face folder, or a GGUF"
            + " file with F16, BF16 or F32 weights."
      })
  private @Nullable String source;

  @Option(names = "--show", description = "Show what was measured before instead.")
  private boolean show;

  private @Nullable ProgressBar bar;

  ModelCertifyCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    if (show == (source != null)) {
      throw new ParameterException(spec.commandLine(), "either SOURCE or --show is needed");
    }
    try (AdminClient client = port.client(tributary)) {
      List<ModelCertificate> certificates =
          show ? client.certificates() : List.of(measure(client, Objects.requireNonNull(source)));
      certificates.forEach(this::print);
      if (certificates.isEmpty()) {
        tributary.note("the base was not measured yet");
      }
    }
    return 0;
  }

  private ModelCertificate measure(AdminClient client, String path) {
    try {
      return client.certifyModel(path, this::progress);
    } finally {
      if (bar != null) {
        bar.end();
      }
    }
  }

  private void progress(CertifyModelProgress progress) {
    if (bar == null) {
      bar = ProgressBar.counting(tributary, progress.getTotalTokens(), "tokens");
    }
    bar.at(progress.getTokens());
  }

  private void print(ModelCertificate certificate) {
    if (tributary.json()) {
      tributary.printJson(certificate);
      return;
    }
    Terminal terminal = tributary.terminal();
    terminal.facts(
        new Table()
            .row("base", certificate.getBaseDigest())
            .row("", formats(certificate.getBaseFormatsList()))
            .row("source", certificate.getSourceDigest())
            .row("", formats(certificate.getSourceFormatsList()))
            .row("texts", certificate.getTextDigest())
            .row("measured", Texts.time(certificate.hasCreateTime(), certificate.getCreateTime())));
    Table table =
        new Table().row("TEXT", "TOKENS", "PERPLEXITY", "SOURCE'S", "KL", "KL P99", "FLIPS");
    certificate.getSlicesList().forEach(slice -> row(table, slice));
    if (certificate.hasAll()) {
      row(table, certificate.getAll());
    }
    PrintStream out = terminal.out();
    out.println();
    table.lines().forEach(out::println);
    certificate.getLeftOutList().forEach(left -> tributary.note("left out: " + left));
    out.println();
  }

  /// `Q4_1: 106,168,320 weights in 210 tensors; F32: ...`.
  private static String formats(List<Format> formats) {
    return formats.stream()
        .map(
            format ->
                String.format(
                    Locale.ROOT,
                    "%s: %,d weights in %,d tensors",
                    format.getType(),
                    format.getWeights(),
                    format.getTensors()))
        .collect(Collectors.joining("; "));
  }

  private static void row(Table table, Slice slice) {
    table.row(
        slice.getName(),
        Integer.toString(slice.getTokens()),
        number("%.3f", slice.getBasePerplexity()),
        number("%.3f", slice.getSourcePerplexity()),
        number("%.5f", slice.getKlMean()),
        number("%.5f", slice.getKlP99()),
        number(
            "%.2f%%", slice.getTokens() == 0 ? 0 : 100.0 * slice.getFlips() / slice.getTokens()));
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
