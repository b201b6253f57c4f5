package dev.tributary.server.rpc;

import dev.tributary.record.Field;
import dev.tributary.record.GenerationRecord;
import dev.tributary.record.HiddenField;
import dev.tributary.record.Proven;
import dev.tributary.record.Receipt;
import dev.tributary.record.RecordException;
import dev.tributary.record.SaltedField;
import dev.tributary.record.Sealed;
import dev.tributary.server.accounts.Generation;
import dev.tributary.v1.ReplayRequest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Finds the record that a replay is asked of: the server's own, or the one in a receipt that the
/// caller brings.
final class RecordedGenerations {
  private static final String PROMPT = "generation.prompt";

  private final Books books;

  /// @param leaf index of the Generation leaf
  /// @param record null if it was erased
  record Found(long leaf, @Nullable GenerationRecord record) {}

  RecordedGenerations(Books books) {
    this.books = books;
  }

  /// Throws NOT_FOUND for another tenant's as for one that never was.
  Found find(ReplayRequest request, String tenant) {
    return switch (request.getSourceCase()) {
      case GENERATION_ID -> byId(request.getGenerationId(), tenant);
      case RECORD -> brought(request, tenant);
      case SOURCE_NOT_SET ->
          throw Statuses.invalid("source", "is missing: set one of generation_id and record");
    };
  }

  private Found byId(String id, String tenant) {
    ProvenanceRequests.checkId(id, "generation_id");
    books.follow();
    Generation generation =
        books
            .accounts()
            .generation(tenant, id)
            .orElseThrow(() -> Statuses.notFound("generation", id));
    return kept(generation.leaf());
  }

  private Found kept(long leaf) {
    return new Found(leaf, books.ledger().record(leaf).map(GenerationRecord::of).orElse(null));
  }

  /// A receipt says the truth about the answer if its leaf is the log's and its fields are the
  /// leaf's; its proofs are for those who don't have the log.
  private Found brought(ReplayRequest request, String tenant) {
    try {
      Proven proven = Receipt.parse(request.getRecord().toByteArray()).generation();
      checkOurs(proven);
      Optional<Sealed> sealed = opened(proven, request).sealed();
      if (sealed.isEmpty()) {
        // The caller could not open it, so the caller is not known to be the one whose it is.
        throw Statuses.invalid(
            "record", "hides fields; only opened_prompt can be brought beside it");
      }
      sealed.get().check();
      GenerationRecord record = GenerationRecord.of(sealed.get());
      if (!record.tenant().equals(tenant)) {
        throw Statuses.notFound("generation", record.id());
      }
      // What was erased stays so, whoever has kept it.
      return kept(proven.index()).record() == null
          ? new Found(proven.index(), null)
          : new Found(proven.index(), record);
    } catch (RecordException e) {
      throw Statuses.invalid("record", String.valueOf(e.getMessage()));
    }
  }

  private void checkOurs(Proven proven) {
    long index = proven.index();
    if (index >= books.ledger().log().durable()
        || !Arrays.equals(books.ledger().log().leaf(index), proven.leaf().encode())) {
      throw Statuses.invalid("record", "is not in this server's log");
    }
  }

  /// With the prompt that the caller brings in the place of the one that the receipt hides.
  private static Proven opened(Proven proven, ReplayRequest request) {
    if (!request.hasOpenedPrompt()) {
      return proven;
    }
    List<Integer> ids = request.getOpenedPrompt().getIdsList();
    ByteBuffer data = ByteBuffer.allocate(Math.multiplyExact(Integer.BYTES, ids.size()));
    ids.forEach(data::putInt);
    SaltedField prompt =
        new SaltedField(PROMPT, request.getOpenedPromptSalt().toByteArray(), data.array());
    List<Field> fields = new ArrayList<>(proven.fields());
    for (int i = 0; i < fields.size(); i++) {
      if (fields.get(i) instanceof HiddenField hidden && hidden.tag().equals(PROMPT)) {
        if (!hidden.commitment().equals(prompt.commitment())) {
          throw Statuses.invalid("opened_prompt", "is not the one that the record commits to");
        }
        fields.set(i, prompt);
      }
    }
    return new Proven(proven.placed(), fields);
  }
}
