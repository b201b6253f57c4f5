package dev.tributary.client.cli;

/// Which port of which server was asked, so that a failure can say what to do about it.
///
/// @param flag that names another
/// @param keyAdvice what to do without a key
/// @param listing the command that shows what there is
record Endpoint(String address, String flag, String keyAdvice, String listing) {
  static Endpoint server(String address) {
    return new Endpoint(
        address,
        "--server",
        "Give a key by --api-key-file FILE or in TRIBUTARY_API_KEY",
        "tributary adapters list");
  }

  static Endpoint admin(String address) {
    return new Endpoint(
        address,
        "--admin",
        "Give the admin key by --admin-key-file FILE; the server keeps it in DATA/admin.key",
        "tributary admin tenants list");
  }
}
