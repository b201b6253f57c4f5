package dev.tributary.client;

import com.google.protobuf.ByteString;
import dev.tributary.v1.AdapterVersion;
import dev.tributary.v1.UploadVersionRequest;
import dev.tributary.v1.UploadVersionRequest.Chunk;
import dev.tributary.v1.UploadVersionRequest.FileInfo;
import dev.tributary.v1.UploadVersionRequest.Header;
import dev.tributary.v1.UploadVersionResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/// Uploads in memory that can be cut at any byte.
public final class FakeUploads {
  private static final int MAX_CHUNK = 1 << 20;

  /// After how many bytes of chunks each of the next calls breaks; a chunk may be kept in part.
  public final Queue<Long> cuts = new ConcurrentLinkedQueue<>();

  /// The headers of all calls, in order.
  public final Queue<Header> headers = new ConcurrentLinkedQueue<>();

  /// The next version is made, but the call breaks before its client hears of it.
  public volatile boolean cutAtTheEnd;

  /// Runs before a chunk is taken; while it does, the server asks for no more.
  public volatile Runnable beforeChunk = () -> {};

  private final FakeAdapters adapters;
  private final Map<String, Upload> open = new HashMap<>();

  /// The call that goes on with each upload; what an older one still sends counts no more.
  private final Map<String, Call> owners = new ConcurrentHashMap<>();

  private final Map<String, Map<String, ByteString>> published = new HashMap<>();

  private record Upload(Header header, List<ByteArrayOutputStream> files) {}

  FakeUploads(FakeAdapters adapters) {
    this.adapters = adapters;
  }

  synchronized Map<String, ByteString> published(String digest) {
    return Map.copyOf(published.getOrDefault(digest, Map.of()));
  }

  StreamObserver<UploadVersionRequest> call(StreamObserver<UploadVersionResponse> observer) {
    return new Call(observer);
  }

  private synchronized String start(Header header) {
    headers.add(header);
    if (!header.getUploadId().isEmpty()) {
      Upload upload = open.get(header.getUploadId());
      if (upload == null) {
        throw FakeServer.status(Status.Code.NOT_FOUND, "no upload " + header.getUploadId());
      }
      if (!upload.header().getFilesList().equals(header.getFilesList())) {
        throw FakeServer.status(Status.Code.INVALID_ARGUMENT, "other files");
      }
      return header.getUploadId();
    }
    String id = "u-" + headers.size();
    List<ByteArrayOutputStream> files = new ArrayList<>();
    header.getFilesList().forEach(file -> files.add(new ByteArrayOutputStream()));
    open.put(id, new Upload(header, files));
    return id;
  }

  private synchronized UploadVersionResponse accepted(String id) {
    UploadVersionResponse.Builder response = UploadVersionResponse.newBuilder();
    response.getAcceptedBuilder().setUploadId(id);
    Upload upload = upload(id);
    upload.files().forEach(file -> response.getAcceptedBuilder().addOffsets(file.size()));
    return response.build();
  }

  private Upload upload(String id) {
    Upload upload = open.get(id);
    if (upload == null) {
      throw FakeServer.status(Status.Code.NOT_FOUND, "no upload " + id);
    }
    return upload;
  }

  /// @param most bytes to keep
  private synchronized void take(String id, Chunk chunk, long most) {
    ByteArrayOutputStream file = upload(id).files().get(chunk.getFile());
    if (chunk.getOffset() != file.size() || chunk.getData().size() > MAX_CHUNK) {
      throw FakeServer.status(
          Status.Code.INVALID_ARGUMENT,
          "a chunk of %d bytes at %d instead of %d"
              .formatted(chunk.getData().size(), chunk.getOffset(), file.size()));
    }
    file.writeBytes(
        chunk.getData().substring(0, (int) Math.min(most, chunk.getData().size())).toByteArray());
  }

  private synchronized AdapterVersion finish(String id) {
    Upload upload = upload(id);
    Map<String, ByteString> files = new HashMap<>();
    for (int i = 0; i < upload.files().size(); i++) {
      FileInfo info = upload.header().getFiles(i);
      byte[] bytes = upload.files().get(i).toByteArray();
      if (bytes.length != info.getSize() || !sha256(bytes).equals(info.getDigest())) {
        throw FakeServer.status(Status.Code.INVALID_ARGUMENT, info.getName() + " is another");
      }
      files.put(info.getName(), ByteString.copyFrom(bytes));
    }
    open.remove(id);
    published.put(upload.header().getDigest(), files);
    return adapters.publish(upload.header().getAdapter(), upload.header().getDigest());
  }

  private static String sha256(byte[] bytes) {
    try {
      return "sha256:"
          + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private final class Call implements StreamObserver<UploadVersionRequest> {
    private final StreamObserver<UploadVersionResponse> observer;
    private String id = "";
    private long left = Long.MAX_VALUE;
    private boolean ended;

    private Call(StreamObserver<UploadVersionResponse> observer) {
      this.observer = observer;
    }

    @Override
    public void onNext(UploadVersionRequest request) {
      if (ended) {
        return;
      }
      try {
        if (request.hasHeader()) {
          id = start(request.getHeader());
          owners.put(id, this);
          @Nullable Long cut = cuts.poll();
          left = cut == null ? Long.MAX_VALUE : cut;
          observer.onNext(accepted(id));
        } else {
          beforeChunk.run();
          if (owners.get(id) != this) {
            return;
          }
          take(id, request.getChunk(), left);
          left -= request.getChunk().getData().size();
        }
        if (left <= 0) {
          end(FakeServer.status(Status.Code.UNAVAILABLE, "cut"));
        }
      } catch (StatusRuntimeException e) {
        end(e);
      }
    }

    @Override
    public void onError(Throwable failure) {
      ended = true;
    }

    @Override
    public void onCompleted() {
      if (ended) {
        return;
      }
      try {
        AdapterVersion version = finish(id);
        if (cutAtTheEnd) {
          cutAtTheEnd = false;
          end(FakeServer.status(Status.Code.UNAVAILABLE, "cut at the end"));
          return;
        }
        ended = true;
        observer.onNext(UploadVersionResponse.newBuilder().setVersion(version).build());
        observer.onCompleted();
      } catch (StatusRuntimeException e) {
        end(e);
      }
    }

    private void end(StatusRuntimeException failure) {
      ended = true;
      observer.onError(failure);
    }
  }
}
