package dev.tributary.client;

import static dev.tributary.client.Connection.calling;
import static dev.tributary.client.Connection.quick;
import static dev.tributary.client.Connection.within;

import com.google.protobuf.ByteString;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.ListReceiptsRequest;
import dev.tributary.v1.ListReceiptsResponse;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.Receipt;
import dev.tributary.v1.ReceiptFile;
import dev.tributary.v1.ReplayRequest;
import java.time.Duration;
import java.util.List;

/// A caller's receipts at the server. What a receipt is worth is found out without the server:
/// [dev.tributary.record.ReceiptVerifier].
public final class Receipts {
  private final ProvenanceGrpc.ProvenanceBlockingStub provenance;
  private final InferenceGrpc.InferenceBlockingStub inference;

  Receipts(
      ProvenanceGrpc.ProvenanceBlockingStub provenance,
      InferenceGrpc.InferenceBlockingStub inference) {
    this.provenance = provenance;
    this.inference = inference;
  }

  /// The receipt of one's own generation.
  ///
  /// @param cosigned against a checkpoint that the server's witnesses cosigned
  /// @throws TributaryException if the call failed; its code is NOT_FOUND where there is none
  public ReceiptFile get(String generationId, boolean cosigned) {
    GetReceiptRequest request =
        GetReceiptRequest.newBuilder().setGenerationId(generationId).setCosigned(cosigned).build();
    return calling(() -> quick(provenance).getReceipt(request));
  }

  /// The same with its attribution, waiting at most `time` for that.
  ///
  /// @throws TributaryException if the call failed
  public ReceiptFile get(String generationId, boolean cosigned, Duration time) {
    GetReceiptRequest request =
        GetReceiptRequest.newBuilder()
            .setGenerationId(generationId)
            .setCosigned(cosigned)
            .setWait(true)
            .build();
    return calling(() -> within(provenance, time).getReceipt(request));
  }

  /// Summaries of all of one's own generations that the request asks for, newest first.
  ///
  /// @throws TributaryException if a call failed
  public List<Receipt> list(ListReceiptsRequest request) {
    ListReceiptsRequest.Builder page = request.toBuilder();
    if (page.getPageSize() == 0) {
      page.setPageSize(Connection.PAGE_SIZE);
    }
    return Connection.pages(
        token -> {
          ListReceiptsResponse response =
              quick(provenance).listReceipts(page.setPageToken(token).build());
          return new Connection.Page<>(response.getReceiptsList(), response.getNextPageToken());
        });
  }

  /// Has a generation computed again. The last event compares; close the answer to cancel it.
  ///
  /// @param file a receipt in canonical form, with its prompt opened
  public Answer replay(byte[] file) {
    ReplayRequest request = ReplayRequest.newBuilder().setRecord(ByteString.copyFrom(file)).build();
    return new Answer(() -> inference.replay(request));
  }
}
