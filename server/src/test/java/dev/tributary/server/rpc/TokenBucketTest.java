package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenBucketTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();
  private static final long MINUTE = 60 * SECOND;

  @Test
  void aMinutesWorth_canBeTakenAtOnceAndComesBackSteadily() {
    TokenBucket bucket = new TokenBucket(60, Duration.ofMinutes(1), 5);
    assertThat(bucket.until(60, 5)).isZero();
    bucket.take(60, 5);
    assertThat(bucket.until(1, 5)).isEqualTo(Duration.ofSeconds(1));
    assertThat(bucket.until(10, 5 + 4 * SECOND)).isEqualTo(Duration.ofSeconds(6));
    assertThat(bucket.until(10, 5 + 10 * SECOND)).isZero();
  }

  @Test
  void anOverdraft_isMadeUpForFirst() {
    TokenBucket bucket = new TokenBucket(60, Duration.ofMinutes(1), 0);
    bucket.take(90, 0);
    assertThat(bucket.until(1, 0)).isEqualTo(Duration.ofSeconds(31));
  }

  @Test
  void moreThanAMinutesWorth_waitsForAFullBucket() {
    TokenBucket bucket = new TokenBucket(60, Duration.ofMinutes(1), 0);
    assertThat(bucket.until(1_000, 0)).isZero();
    bucket.take(6, 0);
    assertThat(bucket.until(1_000, 0)).isEqualTo(Duration.ofSeconds(6));
  }

  @Test
  void resize_appliesToWhatIsThere() {
    TokenBucket bucket = new TokenBucket(600, Duration.ofMinutes(1), 0);
    bucket.resize(60, 0);
    bucket.take(60, 0);
    assertThat(bucket.until(1, 0)).isEqualTo(Duration.ofSeconds(1));
    bucket.resize(600, 0);
    assertThat(bucket.until(540, 0)).isZero();
    assertThat(bucket.until(541, 0)).isEqualTo(Duration.ofMillis(100));
    bucket.resize(30, 0);
    assertThat(bucket.until(1, 0)).as("60 were used").isEqualTo(Duration.ofSeconds(62));
  }

  @Test
  void zero_isNeverThere() {
    assertThat(new TokenBucket(0, Duration.ofMinutes(1), 0).until(1, MINUTE)).isPositive();
  }

  @Test
  void whatIsGivenBack_neverOverfills() {
    TokenBucket bucket = new TokenBucket(10, Duration.ofMinutes(1), 0);
    bucket.take(-5, 0);
    bucket.take(10, 0);
    assertThat(bucket.until(1, 0)).isPositive();
  }

  /// Whoever takes only what is there gets no more than one bucket and what flowed in since.
  @Test
  void overAnyTime_noMoreIsTakenThanTheQuotaAndOneBucket() {
    Random random = new Random(3);
    TokenBucket bucket = new TokenBucket(100, Duration.ofMinutes(1), 0);
    long now = 0;
    long taken = 0;
    for (int i = 0; i < 10_000; i++) {
      now += random.nextLong(2 * SECOND);
      long amount = 1 + random.nextInt(20);
      Duration wait = bucket.until(amount, now);
      if (!wait.isZero()) {
        // Told the truth: a little earlier it is not there, then it is.
        assertThat(bucket.until(amount, now + wait.toNanos())).isZero();
        now += wait.toNanos();
      }
      bucket.take(amount, now);
      taken += amount;
    }
    assertThat(taken).isLessThanOrEqualTo(100 + 100 * now / MINUTE + 1);
    assertThat(taken).isGreaterThan(90 * now / MINUTE);
  }
}
