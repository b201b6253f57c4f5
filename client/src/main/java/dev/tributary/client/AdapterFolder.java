package dev.tributary.client;

import dev.tributary.identity.AdapterDigest;
import dev.tributary.tlog.Hash;
import dev.tributary.v1.UploadVersionRequest.FileInfo;
import dev.tributary.v1.UploadVersionRequest.Header;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.stream.Stream;

/// A PEFT folder as it will be uploaded: its files with their sizes and digests.
///
/// Hidden files and folders inside (checkpoints, a `.git`) are no part of an adapter and are left
/// out.
///
/// @param path the folder
/// @param files by name; `adapter_config.json` and `adapter_model.safetensors` are among them
/// @param digest the adapter digest, as the server computes it again
/// @param leftOut names of what is in the folder and will not be sent
public record AdapterFolder(Path path, List<FileInfo> files, String digest, List<String> leftOut) {
  /// Files of one upload.
  private static final int MAX_FILES = 64;

  private static final int BUFFER_BYTES = 1 << 20;

  public AdapterFolder {
    files = List.copyOf(files);
    leftOut = List.copyOf(leftOut);
  }

  /// Reads all bytes of a folder.
  ///
  /// @throws IOException if a file is missing or cannot be read, or there are too many
  /// @throws dev.tributary.identity.PeftConfigException if the configuration is refused
  /// @throws dev.tributary.identity.SafetensorsException if the weights' header is malformed
  public static AdapterFolder read(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new NotDirectoryException(folder.toString());
    }
    List<Path> entries;
    try (Stream<Path> listed = Files.list(folder)) {
      // Enough to know that there are too many.
      entries = listed.limit(10L * MAX_FILES).sorted().toList();
    }
    List<Path> files = entries.stream().filter(AdapterFolder::isSent).toList();
    if (files.size() > MAX_FILES) {
      throw new IOException(folder + " has more than " + MAX_FILES + " files");
    }
    // Before the files' own digests, since it says what is wrong with the folder.
    String digest = AdapterDigest.of(folder);
    FileInfo[] infos = new FileInfo[files.size()];
    for (int i = 0; i < infos.length; i++) {
      infos[i] = info(files.get(i));
    }
    List<String> leftOut =
        entries.stream().filter(path -> !isSent(path)).map(AdapterFolder::name).toList();
    return new AdapterFolder(folder, List.of(infos), digest, leftOut);
  }

  /// All bytes of all files.
  public long bytes() {
    return files.stream().mapToLong(FileInfo::getSize).sum();
  }

  /// What announces this folder as a version of `adapter`, with the digest it must have.
  public Header.Builder header(String adapter) {
    return Header.newBuilder().setAdapter(adapter).addAllFiles(files).setDigest(digest);
  }

  private static boolean isSent(Path path) {
    return Files.isRegularFile(path) && !name(path).startsWith(".");
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  private static FileInfo info(Path file) throws IOException {
    MessageDigest sha = Hash.digest();
    byte[] buffer = new byte[BUFFER_BYTES];
    long size = 0;
    try (InputStream in = Files.newInputStream(file)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        sha.update(buffer, 0, count);
        size += count;
      }
    }
    return FileInfo.newBuilder()
        .setName(name(file))
        .setSize(size)
        .setDigest(Hash.of(sha.digest()).text())
        .build();
  }
}
