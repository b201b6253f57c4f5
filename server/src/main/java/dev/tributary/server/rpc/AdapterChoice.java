package dev.tributary.server.rpc;

import dev.tributary.server.adapter.AdapterException;
import dev.tributary.server.adapter.AdapterRef;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.AdapterVersion;
import dev.tributary.server.adapter.Lease;
import dev.tributary.server.metrics.CallRecord;
import dev.tributary.server.metrics.VersionKey;
import dev.tributary.server.model.AdapterUse;
import dev.tributary.v1.AdapterSelector;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;

/// An adapter as a request names it: checked, not looked up.
///
/// @param field path of the selector in the request
/// @param scale multiplies the adapter's own scaling
record AdapterChoice(String field, AdapterRef ref, float scale) {
  private static final String PART = "[A-Za-z0-9][A-Za-z0-9._-]{0,62}";
  private static final Pattern NAME = Pattern.compile(PART + "(/" + PART + ")?");
  private static final Pattern ALIAS = Pattern.compile("[a-z][a-z0-9-]{0,62}");
  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  /// Throws INVALID_ARGUMENT with the path of what is wrong.
  static List<AdapterChoice> read(List<AdapterSelector> selectors, int most) {
    if (selectors.size() > most) {
      throw Statuses.invalid(
          "adapters", "has " + selectors.size() + " entries, must have at most " + most);
    }
    List<AdapterChoice> choices = new ArrayList<>(selectors.size());
    for (int i = 0; i < selectors.size(); i++) {
      choices.add(read(selectors.get(i), "adapters[" + i + "]"));
    }
    return choices;
  }

  private static AdapterChoice read(AdapterSelector selector, String field) {
    checkName(selector.getName(), field + ".name");
    float scale = selector.hasScale() ? selector.getScale() : 1;
    if (!(Math.abs(scale) <= AdapterUse.MAX_SCALE)) {
      throw Statuses.invalid(
          field + ".scale", "is " + scale + ", must be between -8 and 8, both included");
    }
    return new AdapterChoice(
        field, new AdapterRef(selector.getName(), selection(selector, field)), scale);
  }

  /// Throws INVALID_ARGUMENT unless `name` could be an adapter's.
  static void checkName(String name, String field) {
    if (!NAME.matcher(name).matches()) {
      throw Statuses.invalid(
          field, "is \"" + name + "\", must be name or tenant/name, each part of form " + PART);
    }
  }

  /// Throws INVALID_ARGUMENT unless `alias` could be an alias.
  static void checkAlias(String alias, String field) {
    check(ALIAS, alias, field);
  }

  /// Throws INVALID_ARGUMENT unless `digest` is empty or could be one.
  static void checkDigest(String digest, String field) {
    if (!digest.isEmpty()) {
      check(DIGEST, digest, field);
    }
  }

  /// One whose scale says nothing.
  static AdapterChoice unscaled(AdapterSelector selector, String field) {
    if (selector.hasScale()) {
      throw Statuses.invalid(field + ".scale", "must not be set here");
    }
    return read(selector, field);
  }

  private static AdapterRef.Selection selection(AdapterSelector selector, String field) {
    return switch (selector.getVersionCase()) {
      case NUMBER -> {
        if (selector.getNumber() < 1) {
          throw Statuses.invalid(
              field + ".number", "is " + selector.getNumber() + ", must be at least 1");
        }
        yield new AdapterRef.Number(selector.getNumber());
      }
      case ALIAS -> {
        check(ALIAS, selector.getAlias(), field + ".alias");
        yield new AdapterRef.Alias(selector.getAlias());
      }
      case DIGEST -> {
        check(DIGEST, selector.getDigest(), field + ".digest");
        yield new AdapterRef.Digest(selector.getDigest());
      }
      case VERSION_NOT_SET -> new AdapterRef.Alias(AdapterRef.DEFAULT_ALIAS);
    };
  }

  private static void check(Pattern form, String value, String field) {
    if (!form.matcher(value).matches()) {
      throw Statuses.invalid(field, "is \"" + value + "\", must be of form " + form);
    }
  }

  /// Resolves the choices to versions, which pins their digests, and waits until each one's weights
  /// are in memory. Throws the status of the first that can't be had.
  ///
  /// @param affinity what chooses among the versions of a weighted alias
  static Leases lease(
      List<AdapterChoice> choices,
      AdapterStore store,
      String tenant,
      String affinity,
      Call<?> call) {
    List<AdapterVersion> versions = new ArrayList<>(choices.size());
    Map<String, String> fields = new HashMap<>();
    for (AdapterChoice choice : choices) {
      AdapterVersion version = choice.resolve(store, tenant, affinity);
      String first = fields.putIfAbsent(version.digest(), choice.field);
      if (first != null) {
        throw Statuses.invalid(choice.field, "is the same version as " + first);
      }
      if (version.alone() && (choices.size() > 1 || choice.scale != 1)) {
        throw Statuses.precondition(
            "ADAPTER_FEATURE",
            choice.ref.name(),
            "adapter \"%s\" can only be used by itself and at scale 1, because it uses %s"
                .formatted(choice.ref.name(), version.dora() ? "DoRA" : "modules_to_save"));
      }
      versions.add(version);
    }
    call.record().named(versions.stream().map(AdapterChoice::key).toList());
    List<Lease> leases = take(choices, versions, store, call);
    call.record().leased(leases.stream().map(AdapterChoice::load).toList());
    // They load side by side, so the slowest is what the call waited for.
    long waited = leases.stream().mapToLong(lease -> lease.loadTime().toNanos()).max().orElse(0);
    return new Leases(choices, leases, waited);
  }

  /// Under which a version's figures are kept.
  static VersionKey key(AdapterVersion version) {
    return new VersionKey(version.tenant(), version.name(), version.number(), version.digest());
  }

  private static CallRecord.Load load(Lease lease) {
    return new CallRecord.Load(lease.tier().name().toLowerCase(Locale.ROOT), lease.loadTime());
  }

  /// Throws the status of a version that can't be had.
  AdapterVersion resolve(AdapterStore store, String tenant, String affinity) {
    try {
      return store.resolve(tenant, ref, affinity);
    } catch (AdapterException e) {
      throw Statuses.of(e.refusal(), ref.name());
    }
  }

  private static List<Lease> take(
      List<AdapterChoice> choices,
      List<AdapterVersion> versions,
      AdapterStore store,
      Call<?> call) {
    List<CompletableFuture<Lease>> asked = versions.stream().map(store::lease).toList();
    List<Lease> leases = new ArrayList<>(asked.size());
    for (int i = 0; i < asked.size(); i++) {
      try {
        leases.add(call.await(asked.get(i)));
      } catch (RuntimeException e) {
        asked.forEach(AdapterChoice::giveUp);
        throw e instanceof AdapterException refused
            ? Statuses.of(refused.refusal(), choices.get(i).ref.name())
            : e;
      }
    }
    return leases;
  }

  /// Closes the lease now or, should it come yet, when it comes.
  private static void giveUp(CompletableFuture<Lease> asked) {
    if (!asked.cancel(false) && !asked.isCompletedExceptionally()) {
      asked.join().close();
    }
  }
}
