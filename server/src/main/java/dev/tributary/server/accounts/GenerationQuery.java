package dev.tributary.server.accounts;

import java.util.Optional;

/// Which of a tenant's generations to list; the newest come first.
///
/// @param fromMicros when it ended, since 1970
/// @param toMicros exclusive
/// @param adapter that it used, `tenant/name`
/// @param contributor who has a share in it; then only generations of the tenant's own adapters
/// @param after the last one of the page before; the listing goes on behind it
/// @param limit 1 to 1,000
public record GenerationQuery(
    String tenant,
    long fromMicros,
    long toMicros,
    Optional<String> adapter,
    Optional<String> contributor,
    Optional<Place> after,
    int limit) {
  private static final int MOST = 1_000;

  /// Where a generation stands in a listing.
  public record Place(long endMicros, long leaf) {
    public static Place of(Generation generation) {
      return new Place(generation.endMicros(), generation.leaf());
    }
  }

  public GenerationQuery {
    if (limit < 1 || limit > MOST) {
      throw new IllegalArgumentException("a page of " + limit + ", 1 to " + MOST);
    }
  }

  /// All of a tenant's.
  public static GenerationQuery of(String tenant, int limit) {
    return new GenerationQuery(
        tenant, 0, Long.MAX_VALUE, Optional.empty(), Optional.empty(), Optional.empty(), limit);
  }

  public GenerationQuery after(Generation last) {
    return new GenerationQuery(
        tenant, fromMicros, toMicros, adapter, contributor, Optional.of(Place.of(last)), limit);
  }
}
