package dev.tributary.client;

import com.google.protobuf.ByteString;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionRequest.FileInfo;
import dev.tributary.v1.UploadVersionRequest.Header;
import dev.tributary.v1.UploadVersionResponse;
import dev.tributary.v1.UploadVersionResponse.Accepted;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/// One upload: a call, and after a broken connection another that goes on where the server is.
///
/// Chunks are written only when the transport is ready for more, so no more than a few of them are
/// in memory, however slow the server.
final class Upload {
  /// Of one message; the contract's bound.
  private static final int CHUNK_BYTES = 1 << 20;

  private final AdaptersGrpc.AdaptersBlockingV2Stub stub;
  private final Path folder;
  private final UploadListener listener;
  private final Backoff backoff;
  private final Supplier<Optional<AdapterVersion>> published;
  private Header header;
  private long best = -1;
  private boolean allSent;

  /// @param published looks for a version with the header's digest
  Upload(
      AdaptersGrpc.AdaptersBlockingV2Stub stub,
      Header header,
      Path folder,
      UploadListener listener,
      Backoff backoff,
      Supplier<Optional<AdapterVersion>> published) {
    this.stub = stub;
    this.header = header;
    this.folder = folder;
    this.listener = listener;
    this.backoff = backoff;
    this.published = published;
  }

  /// Uploads until the version is there.
  AdapterVersion run() throws IOException, InterruptedException {
    while (true) {
      TributaryException failure;
      try {
        return attempt();
      } catch (StatusException e) {
        failure = new TributaryException(e);
      }
      if (allSent && failure.code() == Status.Code.NOT_FOUND) {
        // The version was made, and the connection broke before the client heard of it.
        return published.get().orElseThrow(() -> failure);
      }
      Duration delay = backoff.next(failure).orElseThrow(() -> failure);
      listener.interrupted(failure, delay);
      backoff.sleep(delay);
    }
  }

  private AdapterVersion attempt() throws IOException, InterruptedException, StatusException {
    BlockingClientCall<UploadVersionRequest, UploadVersionResponse> call = stub.uploadVersion();
    try {
      call.write(UploadVersionRequest.newBuilder().setHeader(header).build());
      UploadVersionResponse first = read(call);
      if (first.hasVersion()) {
        return first.getVersion();
      }
      accept(first.getAccepted());
      if (send(call, first.getAccepted())) {
        allSent = true;
        listener.checking();
        call.halfClose();
      }
      return version(call);
    } finally {
      // Nothing after the end; else the server must not wait for more.
      call.cancel("the upload was given up", null);
    }
  }

  private void accept(Accepted accepted) throws IOException {
    if (accepted.getOffsetsCount() != header.getFilesCount()) {
      throw new IOException(
          "the server took %d files of %d"
              .formatted(accepted.getOffsetsCount(), header.getFilesCount()));
    }
    header = header.toBuilder().setUploadId(accepted.getUploadId()).build();
    long there = accepted.getOffsetsList().stream().mapToLong(Long::longValue).sum();
    if (there > best) {
      best = there;
      backoff.reset();
    }
    listener.accepted(accepted, there);
  }

  /// @return false if the server ended the call before it had everything
  private boolean send(
      BlockingClientCall<UploadVersionRequest, UploadVersionResponse> call, Accepted accepted)
      throws IOException, InterruptedException, StatusException {
    long sent = accepted.getOffsetsList().stream().mapToLong(Long::longValue).sum();
    ByteBuffer buffer = ByteBuffer.allocate(CHUNK_BYTES);
    for (int file = 0; file < header.getFilesCount(); file++) {
      FileInfo info = header.getFiles(file);
      try (FileChannel channel = FileChannel.open(folder.resolve(info.getName()))) {
        long offset = accepted.getOffsets(file);
        while (offset < info.getSize()) {
          fill(buffer, channel, offset, info);
          int count = buffer.remaining();
          if (!call.write(chunk(file, offset, ByteString.copyFrom(buffer)))) {
            return false;
          }
          offset += count;
          sent += count;
          listener.sent(sent);
        }
      }
    }
    return true;
  }

  private static void fill(ByteBuffer buffer, FileChannel channel, long offset, FileInfo info)
      throws IOException {
    buffer.clear().limit((int) Math.min(CHUNK_BYTES, info.getSize() - offset));
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, offset + buffer.position()) < 0) {
        throw new IOException(info.getName() + " became shorter while it was uploaded");
      }
    }
    buffer.flip();
  }

  private static UploadVersionRequest chunk(int file, long offset, ByteString data) {
    return UploadVersionRequest.newBuilder()
        .setChunk(
            UploadVersionRequest.Chunk.newBuilder().setFile(file).setOffset(offset).setData(data))
        .build();
  }

  private static AdapterVersion version(
      BlockingClientCall<UploadVersionRequest, UploadVersionResponse> call)
      throws InterruptedException, StatusException {
    UploadVersionResponse response = read(call);
    while (response.hasAccepted()) {
      response = read(call);
    }
    return response.getVersion();
  }

  private static UploadVersionResponse read(
      BlockingClientCall<UploadVersionRequest, UploadVersionResponse> call)
      throws InterruptedException, StatusException {
    UploadVersionResponse response = call.read();
    if (response == null) {
      // An orderly end without the version is a server that went away politely.
      throw Status.UNAVAILABLE
          .withDescription("the server ended the upload without a version")
          .asException();
    }
    return response;
  }
}
