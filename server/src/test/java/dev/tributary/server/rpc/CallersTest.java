package dev.tributary.server.rpc;

import static dev.tributary.server.rpc.RpcFixture.bearer;
import static dev.tributary.server.rpc.RpcFixture.detail;
import static dev.tributary.server.rpc.RpcFixture.refused;
import static dev.tributary.server.rpc.RpcFixture.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.rpc.ErrorInfo;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.tributary.server.state.AdapterName;
import dev.tributary.server.state.KeySpec;
import dev.tributary.server.state.Quota;
import dev.tributary.server.state.Role;
import dev.tributary.server.state.StorageLimits;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.CreateAdapterRequest;
import dev.tributary.v1.GetAdapterRequest;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CallersTest {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir private Path folder;
  private RpcFixture fixture;

  @BeforeEach
  void start() {
    fixture = RpcFixture.serving(folder);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void onLoopbackWithoutKeys_anybodyIsThePublicTenantsOwner() {
    assertThat(fixture.access.isOpen()).isTrue();
    assertThat(fixture.inference().generateOnce(say("a").build()).getText()).isEqualTo("a");
    // Past the roles, to the method's own checks.
    var unused =
        refused(
            Status.Code.INVALID_ARGUMENT,
            () ->
                fixture.adapterService().createAdapter(CreateAdapterRequest.getDefaultInstance()));
  }

  @Test
  void aWrongKey_isRefusedEvenWhereNoneIsNeeded() {
    assertInvalid("trib_0123456789abcdef_" + "a".repeat(43));
    assertInvalid("nonsense");
    assertInvalid("");
  }

  @Test
  void theFirstKey_endsCallsWithoutOneForGood() {
    String secret = fixture.key("public", Role.USER);
    String id = secret.split("_")[1];
    assertMissing();
    assertThat(answer(secret)).isEqualTo("a");
    fixture.state.keys().revoke(id);
    assertMissing();
    assertThat(fixture.access.isOpen()).isFalse();
  }

  @Test
  void theFirstTenant_endsCallsWithoutAKey() {
    var unused = fixture.state.tenants().create("acme", "", Quota.NONE);
    assertMissing();
  }

  @Test
  void beyondLoopback_aKeyIsNeededFromTheStart(@TempDir Path data) {
    try (RpcFixture far =
        new RpcFixture(
            folder, data, RpcFixture.Options.PLAIN, new RpcFixture.Reach(false, null, null))) {
      far.server.serve();
      var unused =
          refused(
              Status.Code.UNAUTHENTICATED, () -> far.inference().generateOnce(say("a").build()));
    }
  }

  @Test
  void withAnIdentityProvider_tokensAndKeysAreTakenAndNothingElse(
      @TempDir Path data, @TempDir Path provider) throws Exception {
    RSAKey signer = new RSAKeyGenerator(2048).keyID("1").generate();
    Path jwks = Files.writeString(provider.resolve("jwks"), new JWKSet(signer).toString());
    OidcSettings oidc =
        new OidcSettings(
            "https://login.example", "tributary", jwks.toUri(), "org", "role", "contributor");
    try (RpcFixture both =
        new RpcFixture(
            folder, data, RpcFixture.Options.PLAIN, new RpcFixture.Reach(true, oidc, null))) {
      both.server.serve();
      assertThat(both.access.isOpen()).isFalse();
      StatusRuntimeException missing =
          refused(
              Status.Code.UNAUTHENTICATED, () -> both.inference().generateOnce(say("a").build()));
      assertThat(detail(missing, ErrorInfo.class).getReason()).isEqualTo("KEY_MISSING");
      SignedJWT token =
          new SignedJWT(
              new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("1").build(),
              new JWTClaimsSet.Builder()
                  .issuer("https://login.example")
                  .audience("tributary")
                  .subject("ann")
                  .expirationTime(Date.from(Instant.now().plusSeconds(600)))
                  .claim("org", "acme")
                  .build());
      token.sign(new RSASSASigner(signer));
      var early =
          refused(
              Status.Code.UNAUTHENTICATED,
              () ->
                  both.inference()
                      .withInterceptors(bearer(token.serialize()))
                      .generateOnce(say("a").build()));
      assertThat(early).as("there is no such tenant").isNotNull();
      String key = both.key("acme", Role.USER);
      for (String good : List.of(key, token.serialize())) {
        assertThat(
                both.inference()
                    .withInterceptors(bearer(good))
                    .generateOnce(say("a").build())
                    .getText())
            .isEqualTo("a");
      }
      var denied =
          refused(
              Status.Code.PERMISSION_DENIED,
              () ->
                  AdaptersGrpc.newBlockingStub(both.channel)
                      .withInterceptors(bearer(token.serialize()))
                      .createAdapter(CreateAdapterRequest.getDefaultInstance()));
      assertThat(denied).isNotNull();
    }
  }

  @Test
  void rotation_endsTheOldKeyAndNotTheNewOne() {
    String old = fixture.key("acme", Role.USER);
    String fresh = fixture.key("acme", Role.USER);
    assertThat(answer(old)).isEqualTo("a");
    assertThat(answer(fresh)).isEqualTo("a");
    fixture.state.keys().revoke(old.split("_")[1]);
    assertInvalid(old);
    assertThat(answer(fresh)).isEqualTo("a");
  }

  @Test
  void anExpiredKey_isRefused() {
    String secret =
        fixture
            .state
            .keys()
            .create(new KeySpec("public", Role.USER, "", "", Instant.now().minusSeconds(1)))
            .secret();
    assertInvalid(secret);
  }

  @Test
  void unknownWrongRevokedAndMalformedKeys_areToldApartNowhere() {
    String known = fixture.key("public", Role.USER);
    String revoked = fixture.key("public", Role.USER);
    fixture.state.keys().revoke(revoked.split("_")[1]);
    String wrong = known.substring(0, known.length() - 2) + (known.endsWith("AA") ? "BB" : "AA");
    List<String> answers =
        List.of(wrong, revoked, "trib_ffffffffffffffff_" + "b".repeat(43), "x").stream()
            .map(this::refusal)
            .map(end -> end.getStatus() + " " + end.getTrailers())
            .toList();
    assertThat(answers).allMatch(answers.getFirst()::equals);
  }

  @Test
  void twoKeysOrAnotherScheme_areRefused() {
    String secret = fixture.key("public", Role.USER);
    Metadata two = new Metadata();
    two.put(AUTHORIZATION, "Bearer " + secret);
    two.put(AUTHORIZATION, "Bearer " + secret);
    assertRefused(two);
    Metadata basic = new Metadata();
    basic.put(AUTHORIZATION, "Basic " + secret);
    assertRefused(basic);
    Metadata bare = new Metadata();
    bare.put(AUTHORIZATION, secret);
    assertRefused(bare);
    Metadata lower = new Metadata();
    lower.put(AUTHORIZATION, "bearer " + secret);
    assertThat(
            fixture
                .inference()
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(lower))
                .generateOnce(say("a").build())
                .getText())
        .isEqualTo("a");
  }

  @Test
  void aRoleThatLacksTheMethod_isToldWhichRolesHaveIt() {
    String user = fixture.key("acme", Role.USER);
    StatusRuntimeException end =
        refused(
            Status.Code.PERMISSION_DENIED,
            () ->
                fixture
                    .adapterService()
                    .withInterceptors(bearer(user))
                    .createAdapter(CreateAdapterRequest.getDefaultInstance()));
    assertThat(end.getStatus().getDescription())
        .isEqualTo(
            "the key's role may not call tributary.v1.Adapters/CreateAdapter; OWNER or ADMIN may");
    ErrorInfo info = detail(end, ErrorInfo.class);
    assertThat(info.getReason()).isEqualTo("ROLE_LACKS_METHOD");
    assertThat(info.getMetadataMap())
        .containsEntry("method", "tributary.v1.Adapters/CreateAdapter");

    String auditor = fixture.key("acme", Role.AUDITOR);
    var unused = refused(Status.Code.PERMISSION_DENIED, () -> answer(auditor));
    assertThat(
            fixture
                .inference()
                .withInterceptors(bearer(auditor))
                .getModel(GetModelRequest.getDefaultInstance())
                .getBaseName())
        .isEqualTo("Echo");
  }

  @Test
  void health_needsNoKey() {
    String unused = fixture.key("acme", Role.USER);
    assertThat(
            HealthGrpc.newBlockingStub(fixture.channel)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  /// Whether another tenant has such an adapter can be told from nothing: the same call ends in the
  /// same bytes before and after it is there.
  @Test
  void anotherTenantsAdapter_isAsUnknownAsOneThatDoesNotExist() {
    String mine = fixture.key("acme", Role.USER);
    String unused = fixture.key("rival", Role.OWNER);
    GetAdapterRequest asked = GetAdapterRequest.newBuilder().setName("rival/loud").build();
    String before = notFound(mine, asked);
    var made =
        fixture
            .state
            .adapters()
            .create(new AdapterName("rival", "loud"), "", Map.of(), StorageLimits.NONE);
    assertThat(made).isNotNull();
    assertThat(notFound(mine, asked)).isEqualTo(before);
    assertThat(
            notFound(mine, GetAdapterRequest.newBuilder().setName("other/loud").build())
                .replace("other", "rival"))
        .isEqualTo(before);
  }

  private String notFound(String key, GetAdapterRequest asked) {
    StatusRuntimeException end =
        refused(
            Status.Code.NOT_FOUND,
            () -> fixture.adapterService().withInterceptors(bearer(key)).getAdapter(asked));
    com.google.rpc.Status full = StatusProto.fromThrowable(end);
    return end.getStatus() + " " + full + " " + end.getTrailers().keys();
  }

  private String answer(String key) {
    return fixture
        .inference()
        .withInterceptors(bearer(key))
        .generateOnce(say("a").build())
        .getText();
  }

  private StatusRuntimeException refusal(String key) {
    StatusRuntimeException end =
        catchThrowableOfType(StatusRuntimeException.class, () -> answer(key));
    assertThat(end).isNotNull();
    return end;
  }

  private void assertInvalid(String key) {
    StatusRuntimeException end = refusal(key);
    assertThat(end.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(end.getStatus().getDescription()).isEqualTo("the key or token is not valid");
    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("KEY_INVALID");
  }

  private void assertMissing() {
    StatusRuntimeException end =
        refused(
            Status.Code.UNAUTHENTICATED, () -> fixture.inference().generateOnce(say("a").build()));
    assertThat(end.getStatus().getDescription())
        .isEqualTo("a key is needed: send the header \"authorization: Bearer KEY\"");
    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("KEY_MISSING");
  }

  private void assertRefused(Metadata headers) {
    StatusRuntimeException end =
        refused(
            Status.Code.UNAUTHENTICATED,
            () ->
                InferenceGrpc.newBlockingStub(fixture.channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .generateOnce(say("a").build()));
    assertThat(detail(end, ErrorInfo.class).getReason()).isEqualTo("KEY_INVALID");
  }
}
