package dev.tributary.server.state;

/// A key that was just made, with its secret, which is kept nowhere else.
///
/// @param secret `trib_` + the key's id + `_` + 43 characters of base64url
public record NewKey(KeyRecord key, String secret) {
  /// Without the secret, since it must not get into a log.
  @Override
  public String toString() {
    return "NewKey[" + key + "]";
  }
}
