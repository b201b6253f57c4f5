package dev.tributary.client.cli;

import dev.tributary.client.TributaryClient;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.ImportVersionRequest;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary adapters import`: a version from where the server can read it.
@Command(
    name = "import",
    description = "Add a version from where the server can read it.",
    footer = {
      "%nExample:",
      "  tributary adapters import town-guide hf:owner/town-guide-lora@main",
    })
final class AdaptersImportCommand implements Callable<Integer> {
  private final Tributary tributary;

  @Mixin private TimeoutOption timeout = new TimeoutOption();

  @Option(
      names = "--digest",
      paramLabel = "sha256:HEX",
      description = "Adapter digest that it must have.")
  private String digest = "";

  @Option(
      names = "--manifest",
      paramLabel = "sha256:HEX",
      defaultValue = "",
      description = "What it was trained on: a manifest that `contributions import` said.")
  private String manifest = "";

  @Option(
      names = "--allow-base-mismatch",
      description = "Bind it to the server's base even if it does not state that base's identity.")
  private boolean allowBaseMismatch;

  @Parameters(index = "0", paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  @Parameters(
      index = "1",
      paramLabel = "SOURCE",
      description = {
        "hf:OWNER/REPO[@REVISION], or with an admin key a path below the server's import root."
      })
  private String source = "";

  AdaptersImportCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException {
    ImportVersionRequest request =
        ImportVersionRequest.newBuilder()
            .setAdapter(name)
            .setSource(source)
            .setDigest(digest)
            .setManifestDigest(manifest)
            .setAllowBaseMismatch(allowBaseMismatch)
            .build();
    AdapterVersion version;
    tributary.note("the server imports %s; this can take minutes".formatted(source));
    try (TributaryClient client = tributary.client()) {
      version = client.importVersion(request, timeout.time());
    }
    VersionPrinter.print(tributary, version);
    VersionPrinter.requireUsable(version);
    return 0;
  }
}
