package dev.tributary.server.state;

import java.util.List;
import java.util.Random;

/// A change of one adapter that can be written as a line.
///
/// @param number digest of a published version, or number of the version to delete or to lead to
record Change(Kind kind, String name, int number) {
  enum Kind {
    PUBLISH,
    ALIAS,
    DELETE_VERSION,
    DELETE
  }

  /// One that the state takes now.
  static Change any(Random random, Adapters state) {
    String name = "a" + random.nextInt(4);
    AdapterName adapter = new AdapterName(Tenants.PUBLIC, name);
    List<VersionRecord> versions = state.versions(adapter, Integer.MAX_VALUE, 100);
    if (versions.size() < 2 || random.nextInt(3) == 0) {
      return new Change(Kind.PUBLISH, name, random.nextInt(1_000_000));
    }
    if (random.nextInt(8) == 0) {
      return new Change(Kind.DELETE, name, 0);
    }
    int prod = state.alias(adapter, "prod").orElseThrow().targets().getLast().number();
    int other = versions.get(random.nextInt(versions.size())).number();
    boolean delete = other != prod && random.nextBoolean();
    return new Change(delete ? Kind.DELETE_VERSION : Kind.ALIAS, name, other);
  }

  static Change parse(String line) {
    String[] parts = line.split(" ", 3);
    return new Change(Kind.valueOf(parts[0]), parts[1], Integer.parseInt(parts[2]));
  }

  String line() {
    return kind + " " + name + " " + number;
  }

  void apply(Adapters state) {
    AdapterName adapter = new AdapterName(Tenants.PUBLIC, name);
    switch (kind) {
      case PUBLISH -> state.publish(adapter, Samples.facts(number, 1), StorageLimits.NONE);
      case ALIAS -> state.setAlias(adapter, "prod", targets(), null, null);
      case DELETE_VERSION -> state.deleteVersion(adapter, number);
      case DELETE -> state.delete(adapter, null);
    }
  }

  void apply(ModelAdapters model) {
    AdapterName adapter = new AdapterName(Tenants.PUBLIC, name);
    switch (kind) {
      case PUBLISH -> model.publish(adapter, Samples.facts(number, 1), StorageLimits.NONE);
      case ALIAS -> model.setAlias(adapter, "prod", targets(), null, false);
      case DELETE_VERSION -> model.deleteVersion(adapter, number);
      case DELETE -> model.delete(adapter, false);
    }
  }

  private List<AliasRecord.Target> targets() {
    return List.of(new AliasRecord.Target(number, 95));
  }
}
