package dev.tributary.server.adapter;

import java.util.List;

/// Why an adapter is not served. The gRPC status of each is api.md's.
public sealed interface AdapterRefusal {
  /// For the caller: names the adapter, key, tensor or file.
  String message();

  /// No such adapter, or not the caller's: the two are told apart nowhere. NOT_FOUND.
  record NotFound(String adapter) implements AdapterRefusal {
    @Override
    public String message() {
      return "there is no adapter \"" + adapter + "\"";
    }
  }

  /// The adapter exists without the version that was asked for. FAILED_PRECONDITION.
  ///
  /// @param asked such as `alias "canary"`
  /// @param offered what can be asked for instead
  record NoSuchVersion(String adapter, String asked, List<String> offered)
      implements AdapterRefusal {
    public NoSuchVersion {
      offered = List.copyOf(offered);
    }

    @Override
    public String message() {
      return "adapter \"%s\" has no %s; it has %s"
          .formatted(adapter, asked, String.join(", ", offered));
    }
  }

  /// Trained for another base. FAILED_PRECONDITION.
  ///
  /// @param stated the base that the adapter names, a digest or a model's name
  record WrongBase(String stated, BaseIdentity base) implements AdapterRefusal {
    @Override
    public String message() {
      return "the adapter is for base \"%s\"; this server's base is %s"
          .formatted(stated, base.text());
    }
  }

  /// Uses what this server cannot apply exactly. FAILED_PRECONDITION.
  ///
  /// @param subject the configuration key, module, tensor or file
  record Unsupported(String subject, String reason) implements AdapterRefusal {
    @Override
    public String message() {
      return subject + ": " + reason;
    }
  }

  /// Contradicts itself or the base: shapes, missing or surplus tensors, NaN. FAILED_PRECONDITION.
  ///
  /// @param subject the configuration key, tensor or file
  record Malformed(String subject, String reason) implements AdapterRefusal {
    @Override
    public String message() {
      return subject + ": " + reason;
    }
  }

  /// Loads, but the base answers the same with it as without. FAILED_PRECONDITION.
  record NoEffect(String reason) implements AdapterRefusal {
    @Override
    public String message() {
      return "the adapter has no effect: " + reason;
    }
  }

  /// The files are no longer those whose digest was offered. DATA_LOSS.
  ///
  /// @param found what they are instead, as a sentence
  record Corrupt(String adapter, String digest, String found) implements AdapterRefusal {
    @Override
    public String message() {
      return "the files of adapter \"%s\" are no longer those of digest %s: %s"
          .formatted(adapter, digest, found);
    }
  }

  /// Cannot be read now; unlike the others this is not remembered. UNAVAILABLE.
  record Unreadable(String subject, String reason) implements AdapterRefusal {
    @Override
    public String message() {
      return subject + " cannot be read: " + reason;
    }
  }

  /// Does not fit the memory for adapters. RESOURCE_EXHAUSTED.
  record TooLarge(long bytes, long limit) implements AdapterRefusal {
    @Override
    public String message() {
      return "the adapter takes %,d bytes, the memory for adapters is %,d".formatted(bytes, limit);
    }
  }

  /// Too many other adapters wait to be loaded. RESOURCE_EXHAUSTED, to be tried again.
  record Busy(int waiting) implements AdapterRefusal {
    @Override
    public String message() {
      return waiting + " adapters wait to be loaded";
    }
  }

  /// Was found damaged or without effect when it was loaded; never served again. DATA_LOSS.
  record Quarantined(String adapter, int number, String reason) implements AdapterRefusal {
    @Override
    public String message() {
      return "version %d of adapter \"%s\" is quarantined: %s".formatted(number, adapter, reason);
    }
  }

  /// Its files lie in a folder that the operator offers, who alone can take it away.
  /// FAILED_PRECONDITION.
  record Linked(String adapter) implements AdapterRefusal {
    @Override
    public String message() {
      return "adapter \"" + adapter + "\" is offered from a folder of the server's operator";
    }
  }

  /// The caller may read it and not change it. PERMISSION_DENIED.
  record ReadOnly(String adapter) implements AdapterRefusal {
    @Override
    public String message() {
      return "adapter \"" + adapter + "\" is another tenant's to change";
    }
  }

  /// No such upload, or not the caller's, or too old. NOT_FOUND.
  record NoSuchUpload(String id) implements AdapterRefusal {
    @Override
    public String message() {
      return "there is no upload \"" + id + "\"";
    }
  }

  /// The tenant keeps as much as it may. RESOURCE_EXHAUSTED.
  ///
  /// @param quota as the contract's Quota calls it
  record OverQuota(String quota, long limit, long used) implements AdapterRefusal {
    @Override
    public String message() {
      return "quota " + quota + " is " + limit + ", " + used + " are used";
    }
  }

  /// The caller has no such manifest, or nothing more may be made of it. FAILED_PRECONDITION.
  ///
  /// @param withdrawn contributions of it that were withdrawn; 0: there is no such manifest
  record Manifest(String digest, int withdrawn) implements AdapterRefusal {
    @Override
    public String message() {
      return withdrawn == 0
          ? "there is no manifest " + digest
          : "of manifest %s, %d contributions were withdrawn".formatted(digest, withdrawn);
    }
  }

  /// What the caller named to be imported cannot be had. FAILED_PRECONDITION.
  record NoSource(String source, String reason) implements AdapterRefusal {
    @Override
    public String message() {
      return reason;
    }
  }

  /// The server's disk takes no files now, which the log tells of. UNAVAILABLE.
  record Unstorable() implements AdapterRefusal {
    @Override
    public String message() {
      return "the server cannot store files now";
    }
  }
}
