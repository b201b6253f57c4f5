package dev.tributary.client.cli;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.identity.AdapterDigest;
import dev.tributary.identity.BaseDigest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `tributary digest`: identities, computed here.
@Command(
    name = "digest",
    description = {
      "Compute the digest of a base (a model file or directory) or of an adapter (a folder with"
          + " adapter_config.json). Asks no server."
    })
final class DigestCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Parameters(
      paramLabel = "PATH",
      arity = "1..*",
      description = "Model file, model directory or adapter folder.")
  private List<Path> paths = List.of();

  DigestCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    for (Path path : paths) {
      boolean adapter = Files.exists(path.resolve(AdapterDigest.CONFIG_FILE));
      String kind = adapter ? "adapter" : "base";
      String digest = adapter ? AdapterDigest.of(path) : BaseDigest.of(path);
      if (tributary.json()) {
        tributary.printJson(
            Struct.newBuilder()
                .putFields("kind", text(kind))
                .putFields("digest", text(digest))
                .putFields("path", text(path.toString()))
                .build());
      } else {
        tributary.terminal().out().println(kind + "  " + digest + "  " + path);
      }
    }
    return 0;
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }
}
