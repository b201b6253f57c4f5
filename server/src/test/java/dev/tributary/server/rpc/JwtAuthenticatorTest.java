package dev.tributary.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import dev.tributary.server.state.Role;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JwtAuthenticatorTest {
  private static final String ISSUER = "https://login.example";
  private static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");
  private static final Caller KEY = new Caller("acme", Role.USER, "a key", "");
  private static RSAKey rsa;
  private static RSAKey other;
  private static ECKey ec;

  @TempDir private Path folder;
  private JwtAuthenticator authenticator;

  @BeforeAll
  static void makeKeys() throws JOSEException {
    rsa = new RSAKeyGenerator(2048).keyID("rsa").generate();
    other = new RSAKeyGenerator(2048).keyID("rsa").generate();
    ec = new ECKeyGenerator(Curve.P_256).keyID("ec").generate();
  }

  @BeforeEach
  void start() throws IOException {
    Path jwks = folder.resolve("jwks.json");
    Files.writeString(jwks, new JWKSet(List.of(rsa, ec)).toString(true));
    authenticator = authenticator(jwks.toUri());
  }

  private static JwtAuthenticator authenticator(URI jwks) {
    return new JwtAuthenticator(
        new OidcSettings(ISSUER, "tributary", jwks, "tenant", "role", "contributor"),
        tenant -> tenant.equals("acme"),
        () -> NOW,
        bearer -> bearer.equals("trib_key") ? Optional.of(KEY) : Optional.empty());
  }

  @Test
  void aGoodToken_isItsTenantsAndRoles() throws JOSEException {
    assertThat(authenticator.authenticate(signed(claims().claim("role", "owner").build())))
        .contains(new Caller("acme", Role.OWNER, "oidc:ann", ""));
    assertThat(
            authenticator.authenticate(
                signed(ec, JWSAlgorithm.ES256, new ECDSASigner(ec), claims().build())))
        .as("no role is a user")
        .contains(new Caller("acme", Role.USER, "oidc:ann", ""));
    assertThat(
            authenticator.authenticate(
                signed(claims().claim("role", "contributor").claim("contributor", "bob").build())))
        .contains(new Caller("acme", Role.CONTRIBUTOR, "oidc:ann", "bob"));
  }

  @Test
  void whatIsNoToken_isAKey() {
    assertThat(authenticator.authenticate("trib_key")).contains(KEY);
    assertThat(authenticator.authenticate("nonsense")).isEmpty();
  }

  @Test
  void aTokenOutOfItsTime_isRefused() throws JOSEException {
    assertRefused(claims().expirationTime(Date.from(NOW.minusSeconds(31))));
    assertRefused(claims().expirationTime(null));
    assertRefused(claims().notBeforeTime(Date.from(NOW.plusSeconds(31))));
    assertThat(
            authenticator.authenticate(
                signed(claims().expirationTime(Date.from(NOW.minusSeconds(29))).build())))
        .as("clocks differ")
        .isPresent();
  }

  @Test
  void aTokenForSomebodyElse_isRefused() throws JOSEException {
    assertRefused(claims().audience("another"));
    assertRefused(claims().audience((String) null));
    assertRefused(claims().issuer("https://elsewhere.example"));
    assertRefused(claims().issuer(ISSUER + "/"));
    assertRefused(claims().issuer(null));
    assertThat(
            authenticator.authenticate(
                signed(claims().audience(List.of("another", "tributary")).build())))
        .isPresent();
  }

  @Test
  void aTokenOfNoTenantOrNoRole_isRefused() throws JOSEException {
    assertRefused(claims().claim("tenant", null));
    assertRefused(claims().claim("tenant", "nobody"));
    assertRefused(claims().claim("tenant", 5));
    assertRefused(claims().claim("role", "king"));
    assertRefused(claims().claim("role", List.of("owner")));
    assertRefused(claims().claim("role", "contributor"));
  }

  @Test
  void aTokenWithoutASignature_isRefused() {
    String none = new PlainJWT(claims().build()).serialize();
    assertThat(none).endsWith(".");
    assertThat(authenticator.authenticate(none)).isEmpty();
  }

  /// The classic: the public key, which all know, taken for the secret of an HMAC.
  @Test
  void anHmacWithThePublicKey_isRefused() throws JOSEException {
    List<byte[]> secrets =
        List.of(
            rsa.toRSAPublicKey().getEncoded(),
            rsa.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8),
            rsa.getModulus().decode());
    for (byte[] secret : secrets) {
      String token = signed(rsa, JWSAlgorithm.HS256, new MACSigner(secret), claims().build());
      assertThat(authenticator.authenticate(token)).isEmpty();
    }
  }

  @Test
  void anotherKeysSignatureOrChangedClaims_areRefused() throws JOSEException {
    assertThat(
            authenticator.authenticate(
                signed(other, JWSAlgorithm.RS256, new RSASSASigner(other), claims().build())))
        .isEmpty();
    String[] good = signed(claims().build()).split("\\.");
    String[] richer = signed(claims().claim("role", "admin").build()).split("\\.");
    assertThat(authenticator.authenticate(good[0] + "." + richer[1] + "." + good[2])).isEmpty();
    assertThat(authenticator.authenticate(good[0] + "." + good[1] + ".")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.b.c", "eyJhbGciOiJub25lIn0.e30.", "..", "a.b.c.d.e"})
  void garbage_isRefused(String token) {
    assertThat(authenticator.authenticate(token)).isEmpty();
  }

  @Test
  void aTokenOfAnotherType_isRefused() throws JOSEException {
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.RS256)
                .keyID("rsa")
                .type(new JOSEObjectType("logout+jwt"))
                .build(),
            claims().build());
    token.sign(new RSASSASigner(rsa));
    assertThat(authenticator.authenticate(token.serialize())).isEmpty();
  }

  @Test
  void aProvidersKeys_areFetchedOnceAndAgainForANewKeyWithinABound() throws Exception {
    AtomicReference<JWKSet> published = new AtomicReference<>(new JWKSet(rsa));
    AtomicInteger fetches = new AtomicInteger();
    HttpServer provider =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    provider.createContext(
        "/jwks",
        exchange -> {
          fetches.incrementAndGet();
          byte[] body =
              Objects.requireNonNull(published.get())
                  .toString(true)
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    provider.start();
    try {
      JwtAuthenticator remote =
          authenticator(
              URI.create("http://127.0.0.1:" + provider.getAddress().getPort() + "/jwks"));
      for (int i = 0; i < 10; i++) {
        assertThat(remote.authenticate(signed(claims().build()))).isPresent();
      }
      assertThat(fetches).hasValue(1);

      published.set(new JWKSet(List.of(rsa, ec)));
      String fresh = signed(ec, JWSAlgorithm.ES256, new ECDSASigner(ec), claims().build());
      assertThat(remote.authenticate(fresh)).isPresent();
      assertThat(fetches).hasValue(2);
      for (int i = 0; i < 20; i++) {
        RSAKey made = new RSAKey.Builder(other).keyID("made up " + i).build();
        String token = signed(made, JWSAlgorithm.RS256, new RSASSASigner(other), claims().build());
        StatusRuntimeException end =
            catchThrowableOfType(
                StatusRuntimeException.class,
                () -> assertThat(remote.authenticate(token)).isEmpty());
        if (end != null) {
          assertThat(end.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        }
      }
      assertThat(fetches.get()).isLessThanOrEqualTo(4);
      assertThat(remote.authenticate(fresh)).as("known keys still count").isPresent();
    } finally {
      provider.stop(0);
    }
  }

  @Test
  void aProviderThatCannotBeReached_isUnavailableAndNotTheCallersFault() throws Exception {
    JwtAuthenticator lost = authenticator(folder.resolve("nothing.json").toUri());
    String token = signed(claims().build());
    assertThatThrownBy(() -> lost.authenticate(token))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            end -> assertThat(end.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    assertThat(lost.authenticate("trib_key")).contains(KEY);
  }

  @Test
  void settings_refuseKeysThatAnybodyOnTheWayCouldChange() {
    assertThatThrownBy(() -> authenticator(URI.create("http://login.example/jwks")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be a file or an https URL");
  }

  private void assertRefused(JWTClaimsSet.Builder claims) throws JOSEException {
    assertThat(authenticator.authenticate(signed(claims.build()))).isEmpty();
  }

  private static JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder()
        .issuer(ISSUER)
        .audience("tributary")
        .subject("ann")
        .expirationTime(Date.from(NOW.plusSeconds(60)))
        .claim("tenant", "acme");
  }

  private static String signed(JWTClaimsSet claims) throws JOSEException {
    return signed(rsa, JWSAlgorithm.RS256, new RSASSASigner(rsa), claims);
  }

  private static String signed(
      JWK key, JWSAlgorithm algorithm, JWSSigner signer, JWTClaimsSet claims) throws JOSEException {
    SignedJWT token =
        new SignedJWT(new JWSHeader.Builder(algorithm).keyID(key.getKeyID()).build(), claims);
    token.sign(signer);
    return token.serialize();
  }
}
