package dev.tributary.server.rpc;

/// Why the base cannot be measured against a source.
public sealed interface SourceRefusal {
  /// For the caller.
  String message();

  /// The server imports from nowhere.
  record NoRoot() implements SourceRefusal {
    @Override
    public String message() {
      return "this server has no --import-root";
    }
  }

  /// Not there, not below the root, or not readable: told alike, so that nobody learns what lies
  /// elsewhere.
  record NotThere(String path) implements SourceRefusal {
    @Override
    public String message() {
      return "there is no model at " + path + " that may be imported; see --import-root";
    }
  }

  /// Broken, quantised, or of a kind that is not read.
  record Unusable(String path, String problem) implements SourceRefusal {
    @Override
    public String message() {
      return path + ": " + problem;
    }
  }

  /// Another model.
  ///
  /// @param what such as `hidden size`
  record Different(String what, String base, String source) implements SourceRefusal {
    @Override
    public String message() {
      return "this is no source of the base: %s is %s in the base, %s in the source"
          .formatted(what, base, source);
    }
  }

  /// @param needed bytes
  /// @param free bytes
  record NoMemory(long needed, long free) implements SourceRefusal {
    @Override
    public String message() {
      return "measuring takes %,d bytes of memory and %,d are free: %,d are missing"
          .formatted(needed, free, needed - free);
    }
  }

  /// The device's memory is not the host's, where a source is computed.
  record NoDevice() implements SourceRefusal {
    @Override
    public String message() {
      return "this server's device measures no sources; start it with --device cpu";
    }
  }

  /// Another call measures.
  record Busy() implements SourceRefusal {
    @Override
    public String message() {
      return "the base is being measured already";
    }
  }
}
