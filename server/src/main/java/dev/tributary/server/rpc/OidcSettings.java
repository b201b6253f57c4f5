package dev.tributary.server.rpc;

import java.net.URI;

/// An identity provider whose tokens are taken beside keys (OpenID Connect, RFC 7519).
///
/// @param issuer exactly as tokens have it in `iss`
/// @param audience that tokens must have in `aud`
/// @param jwks the provider's public keys (RFC 7517): `https:`, `file:`, or `http:` of this machine
/// @param tenantClaim name of the claim that holds the tenant; required in tokens
/// @param roleClaim name of the claim that holds the role; absent in a token, it is a USER's
/// @param contributorClaim name of the claim that a CONTRIBUTOR's token needs
public record OidcSettings(
    String issuer,
    String audience,
    URI jwks,
    String tenantClaim,
    String roleClaim,
    String contributorClaim) {
  public OidcSettings {
    if (issuer.isEmpty() || audience.isEmpty()) {
      throw new IllegalArgumentException("--oidc-issuer and --oidc-audience must not be empty");
    }
    String scheme = String.valueOf(jwks.getScheme());
    boolean here =
        "localhost".equals(jwks.getHost())
            || "127.0.0.1".equals(jwks.getHost())
            || "[::1]".equals(jwks.getHost());
    if (!scheme.equals("https") && !scheme.equals("file") && !(scheme.equals("http") && here)) {
      throw new IllegalArgumentException(
          "--oidc-jwks "
              + jwks
              + ": must be a file or an https URL, else anybody on the way could make tokens");
    }
  }
}
