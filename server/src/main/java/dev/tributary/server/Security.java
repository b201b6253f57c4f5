package dev.tributary.server;

import dev.tributary.server.rpc.ListenAddress;
import dev.tributary.server.rpc.OidcSettings;
import dev.tributary.server.rpc.TlsFiles;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Who can reach the server, as its settings say, checked before anything is opened.
///
/// @param admin null: there is no admin port
/// @param tls of both ports; null: without encryption
/// @param oidc an identity provider whose tokens are taken beside keys; null: none
record Security(
    ListenAddress listen,
    @Nullable ListenAddress admin,
    @Nullable TlsFiles tls,
    @Nullable OidcSettings oidc) {
  /// @throws IllegalArgumentException with a text for the user
  static Security of(Config config) {
    TlsFiles tls = tls(config);
    ListenAddress listen = address("--listen", config.listen, tls, config);
    ListenAddress admin =
        config.admin.equals(Config.OFF) ? null : address("--admin", config.admin, tls, config);
    return new Security(listen, admin, tls, oidc(config));
  }

  private static ListenAddress address(
      String flag, String text, @Nullable TlsFiles tls, Config config) {
    ListenAddress address = ListenAddress.parse(text);
    if (!address.isLoopback() && tls == null && !config.insecureListen) {
      throw new IllegalArgumentException(
          flag
              + " "
              + text
              + ": others could read the keys and answers on their way; give --tls-cert and"
              + " --tls-key, or --insecure-listen if something else encrypts");
    }
    return address;
  }

  private static @Nullable TlsFiles tls(Config config) {
    if ((config.tlsCert == null) != (config.tlsKey == null)) {
      throw new IllegalArgumentException("--tls-cert and --tls-key go together");
    }
    if (config.tlsCert == null || config.tlsKey == null) {
      if (config.tlsClientCa != null) {
        throw new IllegalArgumentException("--tls-client-ca needs --tls-cert and --tls-key");
      }
      return null;
    }
    return new TlsFiles(config.tlsCert, config.tlsKey, config.tlsClientCa);
  }

  private static @Nullable OidcSettings oidc(Config config) {
    if (config.oidcIssuer == null && config.oidcAudience == null && config.oidcJwks == null) {
      return null;
    }
    if (config.oidcIssuer == null || config.oidcAudience == null || config.oidcJwks == null) {
      throw new IllegalArgumentException(
          "--oidc-issuer, --oidc-audience and --oidc-jwks go together");
    }
    return new OidcSettings(
        config.oidcIssuer,
        config.oidcAudience,
        location(config.oidcJwks),
        config.oidcTenantClaim,
        config.oidcRoleClaim,
        config.oidcContributorClaim);
  }

  private static URI location(String text) {
    if (!text.matches("[a-z]+:.*")) {
      return Path.of(text).toUri();
    }
    try {
      return new URI(text);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("--oidc-jwks " + text + " is neither file nor URL", e);
    }
  }
}
