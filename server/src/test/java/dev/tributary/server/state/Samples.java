package dev.tributary.server.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/// Values that the tests store.
final class Samples {
  static final AdapterName GUIDE = new AdapterName(Tenants.PUBLIC, "town-guide");

  private Samples() {}

  static String digest(int number) {
    return "sha256:%064x".formatted(number);
  }

  static VersionFacts facts(int digest, long bytes) {
    return facts(digest, bytes, null);
  }

  static VersionFacts facts(int digest, long bytes, @Nullable Path folder) {
    return new VersionFacts(
        digest(digest),
        digest(99),
        true,
        Origin.CLAIMED,
        8,
        List.of("q_proj", "v_proj"),
        1L << 40,
        3L << 40,
        true,
        true,
        "owner/base \"x\"",
        "",
        folder,
        bytes);
  }

  static AliasRecord.Target target(int number, int weight) {
    return new AliasRecord.Target(number, weight);
  }

  static StateException.Reason refusal(ThrowingCallable call) {
    StateException refused = catchThrowableOfType(StateException.class, call);
    assertThat(refused).isNotNull();
    return refused.reason();
  }
}
