package dev.tributary.server.state;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// A consistent copy: written whole beside its target, forced to disk, then named.
final class Backup {
  private Backup() {}

  static void write(Path file, Path asked) {
    Path target = asked.toAbsolutePath();
    refuse(target);
    if (!Files.exists(file)) {
      throw new StateException(new StateException.Unavailable("there is no state at " + file));
    }
    Path partial = target.resolveSibling(target.getFileName() + "." + Nonces.hex(4) + ".partial");
    OwnerFile.create(partial);
    try {
      try {
        Database.copy(file, partial);
        force(partial);
        refuse(target);
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        force(target.resolveSibling(""));
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException e) {
      throw new StateException(
          new StateException.Unavailable(target + " can't be written: " + e.getMessage()), e);
    }
  }

  private static void refuse(Path target) {
    if (Files.exists(target)) {
      throw new StateException(new StateException.AlreadyExists("file", target.toString()));
    }
  }

  private static void force(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
