package dev.tributary.record;

import java.util.List;
import java.util.Locale;

/// What a leaf records.
public enum Kind {
  /// A training example was given.
  CONTRIBUTION(1, "contributor", "example", "licence", "dataset", "time"),

  /// A contribution must not be trained on any more.
  WITHDRAWAL(2, "contributor", "reason", "time"),

  /// The salted fields of a leaf were destroyed.
  ERASURE(3, "tenant", "cause", "time"),

  /// A version of an adapter, fixed before it serves.
  ADAPTER_BUILD(4, "tenant", "name", "number", "settings", "pseudonym_key"),

  /// A generation is about to send its first token.
  STARTED(5, "id", "tenant", "adapters", "time"),

  /// A generation ended, in whatever way.
  GENERATION(
      6,
      "id",
      "started",
      "tenant",
      "base",
      "adapters",
      "sampling",
      "prompt",
      "output",
      "usage",
      "end",
      "numerics",
      "paths",
      "logprobs",
      "logprobs_digest",
      "flags",
      "time"),

  /// Whose data a generation is credited to.
  ATTRIBUTION(7, "contributors", "spans", "evidence"),

  /// A generation was checked.
  AUDIT(8, "asked_by", "time", "detail"),

  /// What generations cost from some hour on.
  PRICE_RULE(9, "tenant", "note"),

  /// The closing of a period.
  SETTLEMENT(10, "lines"),

  /// Takes the place of an attribution before its period closes.
  CORRECTION(11, "reason", "contributors", "time"),

  /// The log is signed with another key from some size on.
  KEY_ROTATION(12),

  /// A part of the open fields of a leaf that follows.
  CONTINUATION(13);

  private final int code;
  private final List<String> tags;

  Kind(int code, String... fields) {
    this.code = code;
    String prefix = word() + ".";
    tags = List.of(fields).stream().map(prefix::concat).toList();
  }

  /// As it stands in a leaf, one byte.
  public int code() {
    return code;
  }

  /// Of the salted fields, in the order in which they are under the root.
  public List<String> tags() {
    return tags;
  }

  /// The name in lower case, as tags and receipts have it.
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Kind ofCode(int code) {
    for (Kind kind : values()) {
      if (kind.code == code) {
        return kind;
      }
    }
    throw new RecordException("no kind of leaf has code " + code);
  }
}
