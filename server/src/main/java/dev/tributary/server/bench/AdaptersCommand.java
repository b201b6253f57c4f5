package dev.tributary.server.bench;

import dev.tributary.server.adapter.AdapterFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Writes adapters of random weights for a server to be loaded with.
@Command(
    name = "adapters",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Writes PEFT folders of random weights for a model, all different, to start a server on"
          + " (--adapters DIR) that `bench load --target` then calls.",
      ""
    })
final class AdaptersCommand implements Callable<Integer> {
  /// As many as a load names.
  static final int MOST = 10_000;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Their base: a .gguf or a folder.")
  private Path model = Path.of("");

  @Parameters(index = "1", paramLabel = "DIR", description = "Where to; made if it is missing.")
  private Path folder = Path.of("");

  @Option(names = "--count", defaultValue = "1000", description = "Default: ${DEFAULT-VALUE}.")
  private int count = 1000;

  @Option(
      names = "--rank",
      defaultValue = "8",
      description = "On all linear layers. Default: ${DEFAULT-VALUE}.")
  private int rank = 8;

  @Option(names = "--seed", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
  private long seed = 1;

  @Override
  public Integer call() throws Exception {
    write(model, folder, count, rank, seed);
    System.out.printf("wrote %d adapters of rank %d into %s%n", count, rank, folder);
    return 0;
  }

  /// Writes the first `count` adapters; says to stderr how much that is.
  static void write(Path model, Path folder, int count, int rank, long seed) throws IOException {
    if (count < 1 || count > MOST || rank < 1 || rank > 1024) {
      throw new IllegalArgumentException(
          "%d adapters of rank %d: from 1 to %d, of rank 1 to 1024".formatted(count, rank, MOST));
    }
    AdapterFolders folders = AdapterFolders.of(model, rank);
    Files.createDirectories(folder);
    long bytes = count * folders.bytes();
    long free = Files.getFileStore(folder).getUsableSpace();
    if (bytes > free) {
      throw new IOException(
          "%d adapters of rank %d take %,d MB, and %s has %,d MB left: fewer, or a lower --rank"
              .formatted(count, rank, bytes / 1_000_000, folder, free / 1_000_000));
    }
    System.err.printf(
        "writing %d adapters of rank %d, %,d MB, into %s%n",
        count, rank, bytes / 1_000_000, folder);
    for (int i = 0; i < count; i++) {
      folders.write(folder, i, seed);
    }
  }
}
