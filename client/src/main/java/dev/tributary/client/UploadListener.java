package dev.tributary.client;

import dev.tributary.v1.UploadVersionResponse;
import java.time.Duration;

/// Hears how an upload goes on, on the thread that uploads.
public interface UploadListener {
  /// Hears nothing.
  UploadListener NONE = new UploadListener() {};

  /// The server took the header, at first and again after each interruption.
  ///
  /// @param accepted what it has; its `upload_id` goes on with the upload, also from another
  ///   process
  /// @param bytes of all files together that it has
  default void accepted(UploadVersionResponse.Accepted accepted, long bytes) {}

  /// @param bytes of all files together that the server has or that are under way to it
  default void sent(long bytes) {}

  /// All bytes are under way; the server checks them.
  default void checking() {}

  /// The connection broke; the upload goes on after `delay`.
  default void interrupted(TributaryException failure, Duration delay) {}
}
