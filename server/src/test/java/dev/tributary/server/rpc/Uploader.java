package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionRequest.Chunk;
import dev.tributary.v1.UploadVersionRequest.FileInfo;
import dev.tributary.v1.UploadVersionRequest.Header;
import dev.tributary.v1.UploadVersionResponse;
import dev.tributary.v1.UploadVersionResponse.Accepted;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Uploads small adapters, whole or in parts.
record Uploader(AdaptersGrpc.AdaptersBlockingV2Stub stub) {
  private static final int CHUNK = 100;

  /// What a stream came to.
  ///
  /// @param accepted null if it was refused before that
  /// @param version null if it did not come
  /// @param refused null if it ended well
  record Outcome(
      @Nullable Accepted accepted,
      @Nullable AdapterVersion version,
      @Nullable StatusRuntimeException refused) {
    AdapterVersion made() {
      if (refused != null) {
        throw refused;
      }
      return Objects.requireNonNull(version);
    }

    String id() {
      return Objects.requireNonNull(accepted).getUploadId();
    }
  }

  static Header.Builder header(String adapter, Map<String, byte[]> files) {
    Header.Builder header = Header.newBuilder().setAdapter(adapter);
    files.forEach(
        (name, bytes) ->
            header.addFiles(
                FileInfo.newBuilder()
                    .setName(name)
                    .setSize(bytes.length)
                    .setDigest(sha256(bytes))));
    return header;
  }

  static String sha256(byte[] bytes) {
    try {
      return "sha256:"
          + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  AdapterVersion upload(String adapter, Map<String, byte[]> files) {
    return send(header(adapter, files), files, Integer.MAX_VALUE).made();
  }

  /// Sends at most so many chunks from where the server is, and ends the client's side.
  Outcome send(Header.Builder header, Map<String, byte[]> files, int chunks) {
    BlockingClientCall<UploadVersionRequest, UploadVersionResponse> call = stub.uploadVersion();
    Accepted accepted = null;
    try {
      call.write(UploadVersionRequest.newBuilder().setHeader(header).build());
      accepted = Objects.requireNonNull(call.read()).getAccepted();
      List<byte[]> all = List.copyOf(files.values());
      int left = chunks;
      for (int file = 0; file < all.size(); file++) {
        int at = Math.toIntExact(accepted.getOffsets(file));
        while (at < all.get(file).length && left-- > 0) {
          int length = Math.min(CHUNK, all.get(file).length - at);
          if (!call.write(chunk(file, at, ByteString.copyFrom(all.get(file), at, length)))) {
            break;
          }
          at += length;
        }
      }
      call.halfClose();
      UploadVersionResponse last = Objects.requireNonNull(call.read());
      return new Outcome(accepted, last.getVersion(), null);
    } catch (StatusException e) {
      return new Outcome(
          accepted, null, new StatusRuntimeException(e.getStatus(), e.getTrailers()));
    } catch (InterruptedException e) {
      throw new AssertionError("not within the test's time", e);
    } finally {
      call.cancel("over", null);
    }
  }

  static UploadVersionRequest chunk(int file, long offset, ByteString data) {
    return UploadVersionRequest.newBuilder()
        .setChunk(Chunk.newBuilder().setFile(file).setOffset(offset).setData(data))
        .build();
  }
}
