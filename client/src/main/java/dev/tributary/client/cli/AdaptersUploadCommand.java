package dev.tributary.client.cli;

import dev.tributary.client.AdapterFolder;
import dev.tributary.client.TributaryClient;
import dev.tributary.client.TributaryException;
import dev.tributary.client.UnmetException;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `tributary adapters upload`: a folder becomes a version.
@Command(
    name = "upload",
    description = {
      "Upload a PEFT folder as a new version of an adapter, making the adapter if there is none.",
      "Goes on by itself where the connection breaks. With --json it writes `accepted` with each"
          + " connection, then `version`."
    },
    footer = {"%nExample:", "  tributary adapters upload town-guide ./town-guide-lora"})
final class AdaptersUploadCommand implements Callable<Integer> {
  private static final String AUTO = "auto";

  private final Tributary tributary;

  @Option(
      names = "--digest",
      paramLabel = "sha256:HEX",
      defaultValue = AUTO,
      description = {
        "Adapter digest that the files must have, here and at the server; auto computes it here"
            + " (default: ${DEFAULT-VALUE})."
      })
  private String digest = AUTO;

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

  @Option(
      names = "--resume",
      paramLabel = "ID",
      description = "Go on with the upload of this id; servers keep them for 24 hours.")
  private String uploadId = "";

  @Parameters(index = "0", paramLabel = "NAME", description = "NAME or TENANT/NAME.")
  private String name = "";

  @Parameters(
      index = "1",
      paramLabel = "FOLDER",
      description = "Folder with adapter_config.json and adapter_model.safetensors.")
  private Path path = Path.of("");

  AdaptersUploadCommand(Tributary tributary) {
    this.tributary = tributary;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (tributary.terminal().interactive()) {
      // Gigabytes take a while.
      tributary.note("reading " + path);
    }
    AdapterFolder folder = AdapterFolder.read(path);
    if (!digest.equals(AUTO) && !digest.equals(folder.digest())) {
      throw new UnmetException(
          "%s has the digest %s, not the one that --digest gives".formatted(path, folder.digest()));
    }
    if (!folder.leftOut().isEmpty()) {
      tributary.note("not sent: " + String.join(", ", folder.leftOut()));
    }
    UploadVersionRequest.Header header =
        folder
            .header(name)
            .setUploadId(uploadId)
            .setManifestDigest(manifest)
            .setAllowBaseMismatch(allowBaseMismatch)
            .build();
    UploadProgress progress = new UploadProgress(tributary, folder.bytes(), System::nanoTime);
    AdapterVersion version;
    try (TributaryClient client = tributary.client()) {
      version = client.upload(header, path, progress);
    } catch (TributaryException e) {
      if (e.isTransient()) {
        progress
            .uploadId()
            .ifPresent(id -> tributary.note("go on by repeating the command with --resume " + id));
      }
      throw e;
    } finally {
      progress.end();
    }
    if (tributary.json()) {
      tributary.printJson(UploadVersionResponse.newBuilder().setVersion(version).build());
    } else {
      VersionPrinter.print(tributary, version);
    }
    VersionPrinter.requireUsable(version);
    return 0;
  }
}
