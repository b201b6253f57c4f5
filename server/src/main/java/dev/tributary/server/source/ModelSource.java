package dev.tributary.server.source;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What `--model` names. `toString` gives the text back.
public sealed interface ModelSource {
  /// The forms of a source, for messages.
  String FORMS =
      "a model is given as path/to/model.gguf, path/to/hugging-face-folder,"
          + " hf:owner/repo[@revision][/file.gguf] or pip:package==version/path/file.gguf";

  /// A `.gguf` file or a folder in Hugging Face's layout.
  record Local(Path path) implements ModelSource {
    @Override
    public String toString() {
      return path.toString();
    }
  }

  /// A repository of the hub.
  ///
  /// @param repository `owner/name`
  /// @param revision a branch, tag or commit without a slash
  /// @param file the one `.gguf` file of it, or null for the whole model
  record Hf(String repository, String revision, @Nullable String file) implements ModelSource {
    static final String MAIN = "main";
    private static final Pattern NAME = Pattern.compile("\\w[\\w.-]{0,95}");

    public Hf {
      String[] names = repository.split("/", -1);
      require(names.length == 2, "hf:" + repository);
      for (String name : names) {
        // "--" parts owner and name in the cache's folder names, and the hub allows neither.
        require(
            NAME.matcher(name).matches() && !name.contains("--") && !name.contains(".."),
            "hf:" + repository);
      }
      require(NAME.matcher(revision).matches() && !revision.contains(".."), "@" + revision);
      if (file != null) {
        requireGguf(file);
      }
    }

    @Override
    public String toString() {
      return "hf:"
          + repository
          + (revision.equals(MAIN) ? "" : "@" + revision)
          + (file == null ? "" : "/" + file);
    }
  }

  /// One file of a Python package's wheel.
  ///
  /// @param distribution the package's name
  /// @param file the wheel's entry, a `.gguf`
  record Pip(String distribution, String version, String file) implements ModelSource {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");
    private static final Pattern VERSION = Pattern.compile("[A-Za-z0-9][A-Za-z0-9.!+_-]{0,99}");

    public Pip {
      // Neither can begin with a dash, so neither can be an option of the command.
      require(NAME.matcher(distribution).matches(), "pip:" + distribution);
      require(VERSION.matcher(version).matches(), "==" + version);
      requireGguf(file);
    }

    /// What pip is asked for.
    String requirement() {
      return distribution + "==" + version;
    }

    @Override
    public String toString() {
      return "pip:" + requirement() + "/" + file;
    }
  }

  /// @throws IllegalArgumentException with the forms, if `text` is none of them
  static ModelSource parse(String text) {
    if (text.startsWith("hf:")) {
      Matcher parts =
          Pattern.compile("hf:([^/@]+/[^/@]+)(?:@([^/]*))?(?:/(.*))?", Pattern.DOTALL)
              .matcher(text);
      require(parts.matches(), text);
      String revision = parts.group(2);
      return new Hf(parts.group(1), revision == null ? Hf.MAIN : revision, parts.group(3));
    }
    if (text.startsWith("pip:")) {
      Matcher parts = Pattern.compile("pip:([^=/]+)==([^/]+)/(.*)", Pattern.DOTALL).matcher(text);
      require(parts.matches(), text);
      return new Pip(parts.group(1), parts.group(2), parts.group(3));
    }
    require(!text.isBlank() && !text.matches("(?s)[A-Za-z][A-Za-z0-9+.-]*://.*"), text);
    try {
      return new Local(Path.of(text));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("not a path: " + text + "; " + FORMS, e);
    }
  }

  /// A relative path that stays below where it is resolved, with no surprise in its names.
  private static void requireGguf(String file) {
    require(file.endsWith(".gguf") && file.length() <= 1000, "/" + file);
    for (String name : file.split("/", -1)) {
      require(
          !name.isEmpty()
              && !name.equals(".")
              && !name.equals("..")
              && name.chars().noneMatch(c -> c < ' ' || c == 0x7f || "\\:*?\"<>|".indexOf(c) >= 0),
          "/" + file);
    }
  }

  private static void require(boolean condition, String part) {
    if (!condition) {
      throw new IllegalArgumentException("not a model source: \"" + part + "\"; " + FORMS);
    }
  }
}
