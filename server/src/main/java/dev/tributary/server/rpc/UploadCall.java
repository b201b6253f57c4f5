package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.server.adapter.AdapterException;
import dev.tributary.server.adapter.AdapterStore;
import dev.tributary.server.adapter.Intake;
import dev.tributary.server.adapter.UploadFile;
import dev.tributary.server.state.AdapterName;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionRequest.Chunk;
import dev.tributary.v1.UploadVersionRequest.Header;
import dev.tributary.v1.UploadVersionResponse;
import dev.tributary.v1.UploadVersionResponse.Accepted;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Function;

/// One stream of an upload: header, `accepted`, chunks, now and then `accepted` again, the version.
///
/// The client may end its side before the last byte; the upload then waits for another stream.
final class UploadCall {
  private static final int MAX_CHUNK = 1 << 20;

  /// Bytes after which the client hears what is on disk.
  private static final long PROGRESS = 64L << 20;

  private final AdapterStore store;
  private final Function<String, AdapterName> own;
  private final Inbound<UploadVersionRequest> requests;
  private final PacedStream<UploadVersionResponse> responses;
  private final AdapterAnswers answers;

  /// @param own the caller's adapter of a name
  UploadCall(
      AdapterStore store,
      AdapterAnswers answers,
      Function<String, AdapterName> own,
      Call<?> call,
      Inbound<UploadVersionRequest> requests,
      PacedStream<UploadVersionResponse> responses) {
    this.store = store;
    this.answers = answers;
    this.own = own;
    this.requests = requests;
    this.responses = responses;
    call.onEnd(requests::end);
  }

  void run() {
    UploadVersionRequest first = requests.take();
    if (first == null || !first.hasHeader()) {
      throw Statuses.invalid("header", "must come first");
    }
    Header header = first.getHeader();
    try (Intake.Stream upload = open(header)) {
      accepted(upload);
      receive(upload);
      if (!upload.isWhole()) {
        throw Statuses.invalid("chunk", "the stream ended before every byte had come");
      }
      var version = store.catalogue().info(upload.finish());
      responses.send(
          UploadVersionResponse.newBuilder().setVersion(answers.version(version)).build());
    } catch (AdapterException e) {
      throw Statuses.of(e.refusal(), header.getAdapter());
    }
  }

  private Intake.Stream open(Header header) {
    AdapterChoice.checkName(header.getAdapter(), "header.adapter");
    AdapterChoice.checkDigest(header.getDigest(), "header.digest");
    AdapterChoice.checkDigest(header.getManifestDigest(), "header.manifest_digest");
    List<UploadFile> files =
        header.getFilesList().stream()
            .map(file -> new UploadFile(file.getName(), file.getSize(), file.getDigest()))
            .toList();
    Intake.Announced announced =
        new Intake.Announced(
            own.apply(header.getAdapter()),
            files,
            header.getDigest().isEmpty() ? null : header.getDigest(),
            header.getAllowBaseMismatch(),
            header.getManifestDigest());
    ByteString stored =
        header.toBuilder()
            .clearUploadId()
            .setAdapter(announced.adapter().toString())
            .build()
            .toByteString();
    ByteBuffer text = stored.asReadOnlyByteBuffer();
    return header.getUploadId().isEmpty()
        ? store.intake().begin(announced, text)
        : store.intake().resume(header.getUploadId(), announced, text);
  }

  private void receive(Intake.Stream upload) {
    long unsaid = 0;
    while (!upload.isWhole()) {
      UploadVersionRequest request = requests.take();
      if (request == null) {
        return;
      }
      if (!request.hasChunk()) {
        throw Statuses.invalid("chunk", "must follow the header");
      }
      Chunk chunk = request.getChunk();
      if (chunk.getData().size() > MAX_CHUNK) {
        throw Statuses.invalid(
            "chunk.data", "has " + chunk.getData().size() + " bytes, must have at most 1 MiB");
      }
      upload.write(chunk.getFile(), chunk.getOffset(), chunk.getData().asReadOnlyByteBuffer());
      unsaid += chunk.getData().size();
      if (unsaid >= PROGRESS) {
        accepted(upload);
        unsaid = 0;
      }
    }
  }

  private void accepted(Intake.Stream upload) {
    Accepted.Builder accepted = Accepted.newBuilder().setUploadId(upload.id());
    for (long offset : upload.offsets()) {
      accepted.addOffsets(offset);
    }
    responses.send(UploadVersionResponse.newBuilder().setAccepted(accepted).build());
  }
}
