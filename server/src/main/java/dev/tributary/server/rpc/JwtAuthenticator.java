package dev.tributary.server.rpc;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.tributary.server.state.Role;
import java.net.MalformedURLException;
import java.text.ParseException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Date;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Knows callers by the tokens of an identity provider; what is no token goes on to `keys`.
///
/// Only signatures with the provider's public keys count: neither `none` nor an HMAC, whose key
/// could be a public one. The provider's keys are cached for five minutes; an unknown key id, which
/// may be a new one or made up, makes them be fetched again at most twice each half minute. While
/// the provider does not answer, known keys stay good for an hour.
final class JwtAuthenticator implements Authenticator {
  private static final Logger log = LoggerFactory.getLogger(JwtAuthenticator.class);

  private static final Pattern TOKEN =
      Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*");

  private static final Set<JWSAlgorithm> ALGORITHMS =
      Set.of(
          JWSAlgorithm.RS256,
          JWSAlgorithm.RS384,
          JWSAlgorithm.RS512,
          JWSAlgorithm.PS256,
          JWSAlgorithm.PS384,
          JWSAlgorithm.PS512,
          JWSAlgorithm.ES256,
          JWSAlgorithm.ES384,
          JWSAlgorithm.ES512);

  private static final Duration CACHED = Duration.ofMinutes(5);
  private static final Duration REFRESH_TIMEOUT = Duration.ofSeconds(15);
  private static final Duration LEAST_BETWEEN_FETCHES = Duration.ofSeconds(30);
  private static final Duration OUTAGE = Duration.ofHours(1);
  private static final Duration HTTP_TIMEOUT = Duration.ofSeconds(5);
  private static final int MAX_JWKS_BYTES = 1 << 20;

  /// Clocks of two machines differ.
  private static final Duration SKEW = Duration.ofSeconds(30);

  private final OidcSettings settings;
  private final Predicate<String> tenants;
  private final Authenticator keys;
  private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();

  /// @param tenants whether there is a tenant of this name
  /// @param keys knows what is no token
  JwtAuthenticator(
      OidcSettings settings, Predicate<String> tenants, InstantSource time, Authenticator keys) {
    this.settings = settings;
    this.tenants = tenants;
    this.keys = keys;
    // "at+jwt" is that of access tokens (RFC 9068).
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(
            JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS, source(settings)));
    DefaultJWTClaimsVerifier<SecurityContext> claims =
        new DefaultJWTClaimsVerifier<>(
            settings.audience(),
            new JWTClaimsSet.Builder().issuer(settings.issuer()).build(),
            Set.of("exp", settings.tenantClaim())) {
          @Override
          protected Date currentTime() {
            return Date.from(time.instant());
          }
        };
    claims.setMaxClockSkew(Math.toIntExact(SKEW.toSeconds()));
    processor.setJWTClaimsSetVerifier(claims);
  }

  private static JWKSource<SecurityContext> source(OidcSettings settings) {
    DefaultResourceRetriever retriever =
        new DefaultResourceRetriever(
            Math.toIntExact(HTTP_TIMEOUT.toMillis()),
            Math.toIntExact(HTTP_TIMEOUT.toMillis()),
            MAX_JWKS_BYTES);
    try {
      return JWKSourceBuilder.<SecurityContext>create(settings.jwks().toURL(), retriever)
          .cache(CACHED.toMillis(), REFRESH_TIMEOUT.toMillis())
          .refreshAheadCache(false)
          .rateLimited(LEAST_BETWEEN_FETCHES.toMillis())
          .outageTolerant(OUTAGE.toMillis())
          .build();
    } catch (MalformedURLException e) {
      throw new IllegalArgumentException("--oidc-jwks " + settings.jwks() + " is no URL", e);
    }
  }

  @Override
  public Optional<Caller> authenticate(String bearer) {
    if (!TOKEN.matcher(bearer).matches()) {
      return keys.authenticate(bearer);
    }
    try {
      return caller(processor.process(bearer, null));
    } catch (KeySourceException e) {
      log.warn("the identity provider's keys can't be read from {}", settings.jwks(), e);
      throw Statuses.unavailable("tokens can't be checked at the moment");
    } catch (BadJOSEException | JOSEException | ParseException e) {
      log.debug("a token was refused", e);
      return Optional.empty();
    }
  }

  private Optional<Caller> caller(JWTClaimsSet claims) throws ParseException {
    String tenant = claims.getStringClaim(settings.tenantClaim());
    Optional<Role> role = role(claims.getStringClaim(settings.roleClaim()));
    String contributor = claims.getStringClaim(settings.contributorClaim());
    if (tenant == null || role.isEmpty() || !tenants.test(tenant)) {
      log.debug("a token names tenant {} and role {}", tenant, role);
      return Optional.empty();
    }
    boolean contributes = role.get() == Role.CONTRIBUTOR;
    if (contributes && (contributor == null || contributor.isEmpty())) {
      return Optional.empty();
    }
    return Optional.of(
        new Caller(
            tenant,
            role.get(),
            "oidc:" + claims.getSubject(),
            contributes && contributor != null ? contributor : ""));
  }

  private static Optional<Role> role(@Nullable String claim) {
    if (claim == null) {
      return Optional.of(Role.USER);
    }
    try {
      return Optional.of(Role.valueOf(claim.toUpperCase(Locale.ROOT)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
