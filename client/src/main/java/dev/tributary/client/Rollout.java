package dev.tributary.client;

import dev.tributary.v1.Adapter;
import dev.tributary.v1.Alias;
import dev.tributary.v1.Alias.Target;
import dev.tributary.v1.UpdateAdapterRequest;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/// Moves an adapter's aliases between versions, guarded by their etags, and back.
///
/// A promotion writes what the alias led to before into a label of the adapter, so that a rollback
/// knows it whoever asks for it, from wherever. The label `tributary.dev/previous-ALIAS` has the
/// value `4:2=5,3=95`: before version 4 was promoted, version 2 had weight 5 and version 3 weight
/// 95. Promoting the same version in steps (5 %, 50 %, all) keeps what was before the first. The
/// label is written before the alias: whoever dies in between has changed no answers.
public final class Rollout {
  /// Shares are in parts of a million.
  public static final int WHOLE = 1_000_000;

  /// How often a change is tried again after somebody else changed the same.
  static final int MAX_RETRIES = 3;

  private static final String LABEL = "tributary.dev/previous-";

  /// Characters of a label's key or value.
  private static final int MAX_LABEL_CHARS = 63;

  private static final int PPM_PER_PERCENT = 10_000;

  private final TributaryClient client;

  /// What a change did.
  ///
  /// @param adapter `tenant/name`
  /// @param before without targets where there was no such alias
  /// @param after without targets where there is none any more
  /// @param recorded a rollback can go back to `before`
  public record Change(String adapter, Alias before, Alias after, boolean recorded) {}

  public Rollout(TributaryClient client) {
    this.client = client;
  }

  /// Points an alias at a version, or gives it a share beside the others, which keep their
  /// proportions. A shadow stays, unless it would score the only version under itself.
  ///
  /// @param sharePpm of the requests, in [1, 1,000,000]
  /// @throws UnmetException if a share is asked for and there is no other version to share with
  /// @throws TributaryException if a call failed; its code is ABORTED if others kept changing it
  public Change promote(String adapter, String alias, int version, int sharePpm) {
    if (sharePpm < 1 || sharePpm > WHOLE) {
      throw new IllegalArgumentException("a share of " + sharePpm + " in a million");
    }
    return retrying(
        () -> {
          Adapter stored = client.adapter(adapter);
          Alias before = alias(stored, alias);
          Alias after = withTargets(before, promoted(before, version, sharePpm));
          if (after.equals(before)) {
            return new Change(stored.getName(), before, before, false);
          }
          Optional<String> note = note(stored, before, version);
          Adapter labelled = setLabel(stored, LABEL + alias, note);
          Alias current = alias(labelled, alias);
          if (!current.getTargetsList().equals(before.getTargetsList())) {
            throw new TributaryException(
                Status.ABORTED
                    .withDescription("alias " + alias + " was changed at the same time")
                    .asRuntimeException());
          }
          Alias set =
              client.setAlias(
                  stored.getName(), after.toBuilder().setEtag(current.getEtag()).build());
          return new Change(stored.getName(), before, set, note.isPresent());
        });
  }

  /// Takes the version that was promoted last out again: the alias leads to what it led to before.
  ///
  /// @throws UnmetException if nothing records what was before, or the alias has been changed by
  ///   other means since
  /// @throws TributaryException as [#promote]
  public Change rollback(String adapter, String alias) {
    Change change =
        retrying(
            () -> {
              Adapter stored = client.adapter(adapter);
              Alias before = alias(stored, alias);
              Previous previous =
                  Optional.ofNullable(stored.getLabelsMap().get(LABEL + alias))
                      .flatMap(Previous::parse)
                      .orElseThrow(() -> nothingRecorded(adapter, alias));
              if (!leadsTo(before, previous.promoted())) {
                throw new UnmetException(
                    "%s no longer leads to version %d, the one promoted last; `tributary adapters"
                            .formatted(alias, previous.promoted())
                        + " promote %s VERSION` points it elsewhere".formatted(adapter));
              }
              Alias after = withTargets(before, previous.targets());
              Alias set = client.setAlias(stored.getName(), after);
              return new Change(stored.getName(), before, set, false);
            });
    retrying(() -> setLabel(client.adapter(adapter), LABEL + alias, Optional.empty()));
    return change;
  }

  /// Sets an alias to exactly these targets and this shadow; without targets it is removed.
  ///
  /// @param wanted whose etag is not used
  /// @throws UnmetException if there is no alias to remove
  /// @throws TributaryException as [#promote]
  public Change set(String adapter, Alias wanted) {
    return retrying(
        () -> {
          Adapter stored = client.adapter(adapter);
          Alias before = alias(stored, wanted.getName());
          if (wanted.getTargetsCount() == 0 && before.getTargetsCount() == 0) {
            throw new UnmetException("there is no alias " + wanted.getName() + " of " + adapter);
          }
          Alias set =
              client.setAlias(
                  stored.getName(), wanted.toBuilder().setEtag(before.getEtag()).build());
          return new Change(stored.getName(), before, set, false);
        });
  }

  /// The targets after a version got a share; weights are percent where they are whole, else parts
  /// of a million.
  private static List<Target> promoted(Alias before, int version, int sharePpm) {
    List<Target> others =
        before.getTargetsList().stream()
            .filter(target -> target.getNumber() != version && target.getWeight() > 0)
            .toList();
    if (sharePpm == WHOLE) {
      boolean already = others.isEmpty() && leadsTo(before, version);
      return already ? before.getTargetsList() : List.of(target(version, 100));
    }
    if (others.isEmpty()) {
      throw new UnmetException(
          "%s leads to no other version that could share with %d; without a canary it gets all"
              .formatted(before.getName(), version));
    }
    long total = others.stream().mapToLong(Target::getWeight).sum();
    List<Target> shares = new ArrayList<>();
    shares.add(target(version, sharePpm));
    for (Target other : others) {
      long weight = Math.round((double) (WHOLE - sharePpm) * other.getWeight() / total);
      shares.add(target(other.getNumber(), (int) Math.max(1, weight)));
    }
    boolean percents = shares.stream().allMatch(t -> t.getWeight() % PPM_PER_PERCENT == 0);
    UnaryOperator<Target> scaled =
        t -> percents ? target(t.getNumber(), t.getWeight() / PPM_PER_PERCENT) : t;
    return shares.stream().map(scaled).sorted(Comparator.comparing(Target::getNumber)).toList();
  }

  /// What the label is to say once `version` is promoted; empty if that is nothing, or too long.
  private static Optional<String> note(Adapter stored, Alias before, int version) {
    String key = LABEL + before.getName();
    String old = stored.getLabelsMap().get(key);
    boolean step =
        leadsTo(before, version)
            && Optional.ofNullable(old)
                .flatMap(Previous::parse)
                .filter(previous -> previous.promoted() == version)
                .isPresent();
    if (step) {
      return Optional.ofNullable(old);
    }
    List<Target> others =
        before.getTargetsList().stream().filter(t -> t.getNumber() != version).toList();
    return Optional.of(new Previous(version, others))
        .filter(previous -> previous.targets().stream().anyMatch(t -> t.getWeight() > 0))
        .map(Previous::text)
        .filter(text -> text.length() <= MAX_LABEL_CHARS && key.length() <= MAX_LABEL_CHARS);
  }

  private Adapter setLabel(Adapter stored, String key, Optional<String> value) {
    if (Objects.equals(stored.getLabelsMap().get(key), value.orElse(null))) {
      return stored;
    }
    Adapter.Builder changed = Adapter.newBuilder();
    changed.setName(stored.getName()).setEtag(stored.getEtag()).putAllLabels(stored.getLabelsMap());
    changed.removeLabels(key);
    value.ifPresent(text -> changed.putLabels(key, text));
    UpdateAdapterRequest.Builder request = UpdateAdapterRequest.newBuilder().setAdapter(changed);
    request.getUpdateMaskBuilder().addPaths("labels");
    return client.updateAdapter(request.build());
  }

  private static Alias alias(Adapter adapter, String name) {
    return adapter.getAliasesList().stream()
        .filter(alias -> alias.getName().equals(name))
        .findFirst()
        .orElseGet(() -> Alias.newBuilder().setName(name).build());
  }

  private static boolean leadsTo(Alias alias, int version) {
    return alias.getTargetsList().stream()
        .anyMatch(target -> target.getNumber() == version && target.getWeight() > 0);
  }

  private static Alias withTargets(Alias alias, List<Target> targets) {
    Alias.Builder changed = alias.toBuilder().clearTargets().addAllTargets(targets);
    boolean underItself =
        targets.stream()
            .filter(target -> target.getWeight() > 0)
            .allMatch(target -> target.getNumber() == alias.getShadow().getNumber());
    return (underItself ? changed.clearShadow() : changed).build();
  }

  private static Target target(int number, int weight) {
    return Target.newBuilder().setNumber(number).setWeight(weight).build();
  }

  private static UnmetException nothingRecorded(String adapter, String alias) {
    return new UnmetException(
        "nothing records what %s of %s led to before; `tributary adapters versions %2$s` shows what"
                .formatted(alias, adapter)
            + " there is, `tributary adapters promote %s VERSION` points it".formatted(adapter));
  }

  private static <T> T retrying(Supplier<T> change) {
    for (int retry = 0; ; retry++) {
      try {
        return change.get();
      } catch (TributaryException e) {
        if (e.code() != Status.Code.ABORTED || retry == MAX_RETRIES) {
          throw e;
        }
      }
    }
  }

  /// What the label says.
  private record Previous(int promoted, List<Target> targets) {
    String text() {
      List<String> shares = targets.stream().map(t -> t.getNumber() + "=" + t.getWeight()).toList();
      return promoted + ":" + String.join(",", shares);
    }

    /// Empty for what is not of this form; anybody with role OWNER can write labels.
    static Optional<Previous> parse(String text) {
      if (text.length() > MAX_LABEL_CHARS
          || !text.matches(
              "[1-9][0-9]{0,8}:[1-9][0-9]{0,8}=[0-9]{1,7}(,[1-9][0-9]{0,8}=[0-9]{1,7})*")) {
        return Optional.empty();
      }
      int colon = text.indexOf(':');
      List<Target> targets = new ArrayList<>();
      for (String share : text.substring(colon + 1).split(",", -1)) {
        int equals = share.indexOf('=');
        targets.add(
            target(
                Integer.parseInt(share.substring(0, equals)),
                Integer.parseInt(share.substring(equals + 1))));
      }
      return Optional.of(new Previous(Integer.parseInt(text.substring(0, colon)), targets));
    }
  }
}
