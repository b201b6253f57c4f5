package dev.tributary.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class VersionBookTest {
  private static final long MILLI = 1_000_000;

  private final VersionBook book = new VersionBook(3);

  private static VersionKey key(int number) {
    return new VersionKey("acme", "bot", number, "sha256:" + number);
  }

  private static LogHistogram gaps(long nanos) {
    LogHistogram gaps = new LogHistogram();
    gaps.add(nanos);
    return gaps;
  }

  @Test
  void of_unused_isNone() {
    assertThat(book.of(key(1))).isEqualTo(VersionFigures.NONE);
  }

  @Test
  void of_sumsEachVersionForItself() {
    book.answered(key(1), 100 * MILLI, gaps(10 * MILLI), 20);
    book.answered(key(1), 100 * MILLI, gaps(10 * MILLI), 40);
    book.failed(key(1));
    book.refused(key(1));
    book.refused(key(1));
    book.shadowed(key(2), -0.5);
    book.shadowed(key(2), 0.25);

    VersionFigures one = book.of(key(1));
    assertThat(one.answers()).isEqualTo(2);
    assertThat(one.errors()).isEqualTo(1);
    assertThat(one.refusals()).isEqualTo(2);
    assertThat(one.meanCompletionTokens()).isEqualTo(30);
    assertThat(one.firstTokenP50().orElseThrow())
        .isBetween(Duration.ofMillis(90), Duration.ofMillis(110));
    assertThat(one.betweenTokensP95().orElseThrow())
        .isBetween(Duration.ofMillis(9), Duration.ofMillis(11));
    assertThat(one.shadowAnswers()).isZero();
    VersionFigures two = book.of(key(2));
    assertThat(two.shadowAnswers()).isEqualTo(2);
    assertThat(two.shadowLogProbGap()).isEqualTo(-0.125);
    assertThat(two.answers()).isZero();
    assertThat(two.firstTokenP50()).isEmpty();
  }

  @Test
  void answered_withoutTokens_hasNoFirstOne() {
    book.answered(key(1), -1, new LogHistogram(), 0);
    assertThat(book.of(key(1)).answers()).isEqualTo(1);
    assertThat(book.of(key(1)).firstTokenP50()).isEmpty();
  }

  @Test
  void manyVersions_theLastUsedAreKept() {
    book.refused(key(1));
    book.refused(key(2));
    book.refused(key(3));
    book.refused(key(1));
    book.refused(key(4));

    assertThat(book.of(key(2))).isEqualTo(VersionFigures.NONE);
    assertThat(book.of(key(1)).refusals()).isEqualTo(2);
    assertThat(book.of(key(3)).refusals()).isEqualTo(1);
    assertThat(book.of(key(4)).refusals()).isEqualTo(1);
  }

  @Test
  void aNameGivenAgain_isAnotherVersion() {
    book.refused(key(1));
    assertThat(book.of(new VersionKey("acme", "bot", 1, "sha256:another")))
        .isEqualTo(VersionFigures.NONE);
  }

  @Test
  void shadowed_byNoNumber_isRefused() {
    assertThatThrownBy(() -> book.shadowed(key(1), Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(book.of(key(1)).shadowAnswers()).isZero();
  }
}
