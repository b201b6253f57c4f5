package dev.tributary.server.rpc;

import dev.tributary.server.state.AliasRecord;
import dev.tributary.v1.Adapter;
import dev.tributary.v1.Alias;
import dev.tributary.v1.UpdateAdapterRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Checks what requests say of adapters and aliases. Throws INVALID_ARGUMENT with the path of what
/// is wrong.
final class AdapterRequests {
  private static final int MAX_DESCRIPTION = 1_000;
  private static final int MAX_LABELS = 64;
  private static final int MAX_LABEL = 63;
  private static final int MAX_PAGE = 1_000;
  private static final int DEFAULT_PAGE = 100;
  private static final int MAX_TARGETS = 16;
  private static final int MILLION = 1_000_000;
  private static final Set<String> SETTABLE = Set.of("name", "description", "labels");

  private AdapterRequests() {}

  static int pageSize(int asked) {
    if (asked < 0 || asked > MAX_PAGE) {
      throw Statuses.invalid("page_size", "is " + asked + ", must be between 0 and " + MAX_PAGE);
    }
    return asked == 0 ? DEFAULT_PAGE : asked;
  }

  static void checkNumber(int number, String field) {
    if (number < 1) {
      throw Statuses.invalid(field, "is " + number + ", must be at least 1");
    }
  }

  /// An adapter that is to be made.
  static void checkNew(Adapter adapter) {
    AdapterChoice.checkName(adapter.getName(), "adapter.name");
    adapter
        .getAllFields()
        .keySet()
        .forEach(
            field -> {
              if (!SETTABLE.contains(field.getName())) {
                throw Statuses.invalid("adapter." + field.getName(), "is the server's to set");
              }
            });
    checkDescription(adapter.getDescription());
    checkLabels(adapter.getLabelsMap());
  }

  /// Which fields are to be changed: `description`, `labels`.
  static Set<String> mask(UpdateAdapterRequest request) {
    AdapterChoice.checkName(request.getAdapter().getName(), "adapter.name");
    Set<String> fields = new HashSet<>();
    for (String path : request.getUpdateMask().getPathsList()) {
      switch (path) {
        case "description", "labels" -> fields.add(path);
        case "*" -> fields.addAll(List.of("description", "labels"));
        default ->
            throw Statuses.invalid(
                "update_mask", "has \"" + path + "\", may have description, labels and *");
      }
    }
    if (fields.isEmpty()) {
      throw Statuses.invalid("update_mask", "is required");
    }
    if (fields.contains("description")) {
      checkDescription(request.getAdapter().getDescription());
    }
    if (fields.contains("labels")) {
      checkLabels(request.getAdapter().getLabelsMap());
    }
    return fields;
  }

  private static void checkDescription(String description) {
    if (description.length() > MAX_DESCRIPTION) {
      throw Statuses.invalid(
          "adapter.description",
          "has " + description.length() + " characters, must have at most " + MAX_DESCRIPTION);
    }
  }

  private static void checkLabels(Map<String, String> labels) {
    if (labels.size() > MAX_LABELS) {
      throw Statuses.invalid(
          "adapter.labels", "has " + labels.size() + " entries, must have at most " + MAX_LABELS);
    }
    new TreeMap<>(labels)
        .forEach(
            (key, value) -> {
              if (key.isEmpty() || key.length() > MAX_LABEL || value.length() > MAX_LABEL) {
                throw Statuses.invalid(
                    "adapter.labels[" + key + "]",
                    "must have 1 to 63 characters, and its value at most 63");
              }
            });
  }

  /// The targets of an alias that is to be set; empty if it is to be removed.
  static List<AliasRecord.Target> targets(Alias alias) {
    AdapterChoice.checkAlias(alias.getName(), "alias.name");
    List<Alias.Target> asked = alias.getTargetsList();
    if (asked.size() > MAX_TARGETS) {
      throw Statuses.invalid(
          "alias.targets", "has " + asked.size() + " entries, must have at most " + MAX_TARGETS);
    }
    List<AliasRecord.Target> targets = new ArrayList<>();
    Set<Integer> numbers = new HashSet<>();
    for (int i = 0; i < asked.size(); i++) {
      String field = "alias.targets[" + i + "]";
      Alias.Target target = asked.get(i);
      checkNumber(target.getNumber(), field + ".number");
      if (!numbers.add(target.getNumber())) {
        throw Statuses.invalid(field + ".number", "is given twice");
      }
      if (target.getWeight() < 0 || target.getWeight() > MILLION) {
        throw Statuses.invalid(
            field + ".weight", "is " + target.getWeight() + ", must be between 0 and " + MILLION);
      }
      targets.add(new AliasRecord.Target(target.getNumber(), target.getWeight()));
    }
    if (!targets.isEmpty() && targets.stream().allMatch(target -> target.weight() == 0)) {
      throw Statuses.invalid("alias.targets", "needs one of a weight above 0");
    }
    return targets;
  }

  static AliasRecord.@Nullable Shadow shadow(Alias alias) {
    if (!alias.hasShadow()) {
      return null;
    }
    if (alias.getTargetsCount() == 0) {
      throw Statuses.invalid("alias.shadow", "belongs to an alias with targets");
    }
    Alias.Shadow shadow = alias.getShadow();
    checkNumber(shadow.getNumber(), "alias.shadow.number");
    if (shadow.getSharePpm() < 1 || shadow.getSharePpm() > MILLION) {
      throw Statuses.invalid(
          "alias.shadow.share_ppm",
          "is " + shadow.getSharePpm() + ", must be between 1 and " + MILLION);
    }
    return new AliasRecord.Shadow(shadow.getNumber(), shadow.getSharePpm());
  }

  /// An etag that the stored one must equal; null for none.
  static @Nullable String etag(String etag) {
    return etag.isEmpty() ? null : etag;
  }
}
