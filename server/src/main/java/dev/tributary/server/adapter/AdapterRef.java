package dev.tributary.server.adapter;

/// An adapter version as a request names it.
///
/// @param name `town-guide`, or `tenant/town-guide`
public record AdapterRef(String name, Selection version) {

  /// Which version.
  public sealed interface Selection {
    /// As a message says it.
    String text();
  }

  /// By number, from 1.
  public record Number(int number) implements Selection {
    @Override
    public String text() {
      return "version " + number;
    }
  }

  /// By alias.
  public record Alias(String alias) implements Selection {
    @Override
    public String text() {
      return "alias \"" + alias + "\"";
    }
  }

  /// By adapter digest, `sha256:<hex>`; looked up only among the versions of the named adapter.
  public record Digest(String digest) implements Selection {
    @Override
    public String text() {
      return "version with digest " + digest;
    }
  }

  /// The alias of a request that chooses none.
  public static final String DEFAULT_ALIAS = "prod";

  /// The version that `prod` leads to.
  public static AdapterRef of(String name) {
    return new AdapterRef(name, new Alias(DEFAULT_ALIAS));
  }
}
