package dev.tributary.server.adapter;

import dev.tributary.identity.AdapterDigest;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/// A file that a caller announces.
///
/// @param name a plain name: no folders, nothing hidden
/// @param size bytes
/// @param digest SHA-256 of its bytes, `sha256:<hex>`
public record UploadFile(String name, long size, String digest) {
  /// Most files of a version.
  public static final int MAX_FILES = 64;

  /// Names that mean one file on every file system, and nothing to a shell or a browser.
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}");

  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");
  private static final List<String> REQUIRED =
      List.of(AdapterDigest.CONFIG_FILE, AdapterDigest.WEIGHTS_FILE);

  /// Checks the files of one version.
  ///
  /// @param field path of the list in the request
  /// @param mostBytes of all files together
  /// @throws InvalidUploadException naming the first that cannot be
  static void check(List<UploadFile> files, String field, long mostBytes) {
    if (files.size() > MAX_FILES) {
      throw new InvalidUploadException(
          field, "has " + files.size() + " files, must have at most " + MAX_FILES);
    }
    Set<String> names = new HashSet<>();
    long left = mostBytes;
    for (int i = 0; i < files.size(); i++) {
      UploadFile file = files.get(i);
      file.check(field + "[" + i + "]", left);
      left -= file.size;
      // Two names that differ in case are one file on some file systems.
      if (!names.add(file.name.toLowerCase(Locale.ROOT))) {
        throw new InvalidUploadException(field + "[" + i + "].name", "is given twice");
      }
    }
    for (String required : REQUIRED) {
      if (files.stream().noneMatch(file -> file.name.equals(required))) {
        throw new InvalidUploadException(field, "lacks " + required);
      }
    }
  }

  boolean isWeights() {
    return name.equals(AdapterDigest.WEIGHTS_FILE);
  }

  private void check(String field, long left) {
    if (!NAME.matcher(name).matches()) {
      throw new InvalidUploadException(
          field + ".name", "is not a file's name of form " + NAME.pattern());
    }
    if (size < 0 || size > left) {
      throw new InvalidUploadException(
          field + ".size", "is " + size + ", must be between 0 and " + left);
    }
    if (!DIGEST.matcher(digest).matches()) {
      throw new InvalidUploadException(field + ".digest", "must be of form " + DIGEST.pattern());
    }
  }
}
