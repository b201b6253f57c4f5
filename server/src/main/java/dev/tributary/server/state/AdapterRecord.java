package dev.tributary.server.state;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// An adapter, without its versions and aliases. Times are to the millisecond.
///
/// @param description at most 1,000 characters
/// @param labels at most 64; keys and values at most 63 characters
/// @param versionCount of versions that are there
/// @param latestVersion highest number ever given; 0 before the first
/// @param updated with every change that gives a new etag
/// @param etag new with every change of description, labels and aliases, and with every version
///   that comes or goes
public record AdapterRecord(
    AdapterName name,
    String description,
    SortedMap<String, String> labels,
    int versionCount,
    int latestVersion,
    Instant created,
    Instant updated,
    String etag) {
  public AdapterRecord {
    Checks.text("description", description, 1_000);
    Checks.range("number of labels", labels.size(), 0, 64);
    labels.forEach(
        (key, value) -> {
          Checks.text("label", key, 63);
          Checks.text("label " + key, value, 63);
        });
    labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
  }

  public AdapterRecord withDescription(String changed) {
    return new AdapterRecord(
        name, changed, labels, versionCount, latestVersion, created, updated, etag);
  }

  public AdapterRecord withLabels(Map<String, String> changed) {
    return new AdapterRecord(
        name,
        description,
        new TreeMap<>(changed),
        versionCount,
        latestVersion,
        created,
        updated,
        etag);
  }
}
