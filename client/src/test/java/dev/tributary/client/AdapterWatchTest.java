package dev.tributary.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.rpc.RetryInfo;
import dev.tributary.v1.AdapterEvent;
import dev.tributary.v1.Alias;
import dev.tributary.v1.Tier;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AdapterWatchTest {
  private FakeServer server;
  private TributaryClient client;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    client = server.client(ClientOptions.defaults());
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static AdapterEvent tier(int number, Tier from, Tier to) {
    return AdapterEvent.newBuilder()
        .setTier(
            AdapterEvent.TierChange.newBuilder()
                .setAdapter("public/a")
                .setNumber(number)
                .setFrom(from)
                .setTo(to))
        .build();
  }

  private static AdapterEvent alias(int number) {
    Alias.Builder alias = Alias.newBuilder().setName("prod");
    alias.addTargetsBuilder().setNumber(number).setWeight(1);
    return AdapterEvent.newBuilder()
        .setAlias(AdapterEvent.AliasChange.newBuilder().setAdapter("public/a").setAlias(alias))
        .build();
  }

  private TributaryException watch(List<AdapterEvent> events, List<TributaryException> breaks) {
    try (AdapterWatch watch =
        client.watchAdapters(List.of("a"), (failure, delay) -> breaks.add(failure))) {
      return catchThrowableOfType(
          TributaryException.class, () -> watch.forEachRemaining(events::add));
    }
  }

  @Test
  void watch_brokenAndMadeAgain_tellsOnlyNews() {
    AdapterEvent first = tier(1, Tier.TIER_UNSPECIFIED, Tier.TIER_DISK);
    AdapterEvent loaded = tier(1, Tier.TIER_DISK, Tier.TIER_DEVICE);
    AdapterEvent nowHost = tier(1, Tier.TIER_UNSPECIFIED, Tier.TIER_HOST);
    server.adapters.watches.add(
        new FakeAdapters.Watched(
            List.of(first, alias(1), loaded), Status.UNAVAILABLE.withDescription("restart")));
    // The polite end of a server that wants its clients to connect anew.
    server.adapters.watches.add(
        new FakeAdapters.Watched(
            List.of(tier(1, Tier.TIER_UNSPECIFIED, Tier.TIER_DEVICE), alias(1)), Status.OK));
    server.adapters.watches.add(
        new FakeAdapters.Watched(
            List.of(nowHost, alias(2)), Status.PERMISSION_DENIED.withDescription("revoked")));
    List<AdapterEvent> events = new ArrayList<>();
    List<TributaryException> breaks = new ArrayList<>();
    TributaryException end = watch(events, breaks);
    assertThat(events).containsExactly(first, alias(1), loaded, nowHost, alias(2));
    assertThat(breaks).hasSize(2).allMatch(TributaryException::isTransient);
    assertThat(end.code()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(server.adapters.watched).hasSize(3).allMatch(r -> r.getNames(0).equals("a"));
  }

  @Test
  void watch_neverConnected_fails() {
    List<TributaryException> breaks = new ArrayList<>();
    TributaryException end = watch(new ArrayList<>(), breaks);
    assertThat(end.code()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(breaks).isEmpty();
    assertThat(server.adapters.watched).hasSize(1);
  }

  @Test
  void watch_brokenForGood_givesUp() {
    server.adapters.watches.add(new FakeAdapters.Watched(List.of(alias(1)), Status.UNAVAILABLE));
    List<TributaryException> breaks = new ArrayList<>();
    TributaryException end = watch(new ArrayList<>(), breaks);
    assertThat(end.isTransient()).isTrue();
    assertThat(breaks).hasSize(Backoff.MAX_TRIES - 1);
  }

  @Test
  void close_ofAWatch_endsIt() {
    server.adapters.watches.add(new FakeAdapters.Watched(List.of(alias(1)), Status.OK));
    AdapterWatch watch = client.watchAdapters(List.of(), (failure, delay) -> {});
    assertThat(watch.next()).isEqualTo(alias(1));
    watch.close();
    TributaryException end = catchThrowableOfType(TributaryException.class, watch::hasNext);
    assertThat(end.code()).isEqualTo(Status.Code.CANCELLED);
  }

  @Test
  void backoff_growsWithinBounds() {
    Backoff backoff = new Backoff(time -> {});
    TributaryException failure = new TributaryException(Status.UNAVAILABLE.asRuntimeException());
    long most = 250;
    for (int i = 1; i < Backoff.MAX_TRIES; i++) {
      Duration delay = backoff.next(failure).orElseThrow();
      assertThat(delay.toMillis()).isBetween(most / 2, most);
      most = Math.min(15_000, 2 * most);
    }
    assertThat(backoff.next(failure)).isEmpty();
    backoff.reset();
    assertThat(backoff.next(failure)).isPresent();
    assertThat(backoff.next(new TributaryException(Status.NOT_FOUND.asRuntimeException())))
        .isEmpty();
  }

  @Test
  void backoff_waitsAsLongAsTheServerAsksButNotForever() {
    for (Status.Code code : List.of(Status.Code.UNAVAILABLE, Status.Code.RESOURCE_EXHAUSTED)) {
      assertThat(new Backoff(time -> {}).next(asking(code, 3))).contains(Duration.ofSeconds(3));
      assertThat(new Backoff(time -> {}).next(asking(code, 3_600))).isEmpty();
    }
    TributaryException full =
        new TributaryException(Status.RESOURCE_EXHAUSTED.asRuntimeException());
    assertThat(new Backoff(time -> {}).next(full)).isEmpty();
  }

  @Test
  void backoff_streamWithoutAStatus_isABrokenConnection() {
    for (Status status : List.of(Status.CANCELLED, Status.INTERNAL)) {
      Status reset = status.withDescription("RST_STREAM closed stream. HTTP/2 error code: CANCEL");
      assertThat(new TributaryException(reset.asRuntimeException()).isTransient()).isTrue();
      Status said = status.withDescription("a bug");
      assertThat(new TributaryException(said.asRuntimeException()).isTransient()).isFalse();
    }
  }

  private static TributaryException asking(Status.Code code, long seconds) {
    return new TributaryException(
        FakeServer.status(
            code,
            "not now",
            RetryInfo.newBuilder()
                .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(seconds))
                .build()));
  }
}
