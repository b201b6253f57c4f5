package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.Model;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `tributary model`: the resident base.
@Command(
    name = "model",
    description = "Show the resident base and the server's limits, or what its four bits cost.")
final class ModelCommand implements Callable<Integer> {
  private final Tributary tributary;

  private ModelCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  static CommandLine line(Tributary tributary) {
    return new CommandLine(new ModelCommand(tributary))
        .addSubcommand(new ModelCertifyCommand(tributary));
  }

  @Override
  public Integer call() throws IOException {
    Model model;
    try (TributaryClient client = tributary.client()) {
      model = client.model();
    }
    if (tributary.json()) {
      tributary.printJson(model);
    } else {
      tributary.terminal().facts(table(model));
    }
    return 0;
  }

  private static Table table(Model model) {
    Model.Device device = model.getDevice();
    Model.Limits limits = model.getLimits();
    Table table =
        new Table()
            .row("base", model.getBaseName())
            .row("digest", model.getBaseDigest())
            .row("family", model.getFamily())
            .row("context", model.getContext() + " tokens")
            .row("vocabulary", model.getVocabulary() + " tokens")
            .row("weights", weights(model))
            .row("device", device(device))
            .row("numerics", model.getNumericsId())
            .row("chat template", model.getChatTemplate() ? "yes" : "no")
            .row("rows at once", Integer.toString(limits.getMaxConcurrentRows()))
            .row("adapters", limits.getMaxAdaptersPerRequest() + " per request")
            .row("messages", "up to " + Texts.bytes(limits.getMaxMessageBytes()));
    return model.getServerVersion().isEmpty()
        ? table
        : table.row("server", model.getServerVersion());
  }

  private static String weights(Model model) {
    String form = model.getQuantization();
    return Texts.bytes(model.getWeightsBytes()) + (form.isEmpty() ? "" : ", " + form);
  }

  private static String device(Model.Device device) {
    StringBuilder text = new StringBuilder(device.getKind());
    if (!device.getName().isEmpty()) {
      text.append(", ").append(device.getName());
    }
    if (device.getThreads() > 0) {
      text.append(", ").append(device.getThreads()).append(" threads");
    }
    if (device.getFeaturesCount() > 0) {
      text.append(" (").append(String.join(" ", device.getFeaturesList())).append(")");
    }
    return text.toString();
  }
}
