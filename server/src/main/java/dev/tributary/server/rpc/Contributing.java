package dev.tributary.server.rpc;

import com.google.protobuf.ByteString;
import dev.tributary.record.ContributionRecord;
import dev.tributary.record.ContributionRecord.Message;
import dev.tributary.record.Record;
import dev.tributary.record.Sealed;
import dev.tributary.record.WithdrawalRecord;
import dev.tributary.server.ledger.Entry;
import dev.tributary.server.ledger.Ledger;
import dev.tributary.server.state.Contribution;
import dev.tributary.server.state.Contributions;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.v1.ChatMessage;
import dev.tributary.v1.ContributionReceipt;
import dev.tributary.v1.RegisterContributionsRequest;
import dev.tributary.v1.RegisterContributionsRequest.Header;
import dev.tributary.v1.RegisterContributionsResponse;
import dev.tributary.v1.WithdrawContributionRequest;
import dev.tributary.v1.WithdrawContributionResponse;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/// Registers contributions, and withdraws them.
///
/// All of a call's contributions are registered or none: their leaves come first, and only when all
/// of them are durable and under a checkpoint, the state learns of them in one transaction. Leaves
/// of a call that ended before stay in the log and are nobody's contributions.
final class Contributing {
  /// Of one contribution.
  private static final int MAX_MESSAGES = 1_000;

  private static final int MAX_ROLE = 63;

  /// Leaves that a call has in the ledger's queue at once, which all callers share.
  private static final int WINDOW = 256;

  private final Ledger ledger;
  private final Contributions contributions;
  private final Examples examples;
  private final InstantSource time;

  /// What is kept of examples besides the ledger's commitments.
  interface Examples {
    /// Forgets what is kept of a withdrawn contribution; nothing if it is forgotten.
    void forget(String tenant, String contribution) throws IOException;
  }

  Contributing(Ledger ledger, Contributions contributions, Examples examples, InstantSource time) {
    this.ledger = ledger;
    this.contributions = contributions;
    this.examples = examples;
    this.time = time;
  }

  /// A whole stream: header, contributions, end.
  RegisterContributionsResponse register(
      Inbound<RegisterContributionsRequest> requests, Call<?> call, LogAnswers answers) {
    call.onEnd(requests::end);
    Registered registered = commit(Caller.current().tenant(), receive(requests), call);
    long size = CheckpointFeed.size(registered.checkpoint);
    RegisterContributionsResponse.Builder response =
        RegisterContributionsResponse.newBuilder()
            .setFirstLeafIndex(registered.entries.getFirst().index())
            .setCheckpoint(answers.checkpoint(registered.checkpoint))
            .setManifestDigest(registered.manifest);
    for (int i = 0; i < registered.entries.size(); i++) {
      Entry entry = registered.entries.get(i);
      response
          .addContributionIds(entry.leaf().hash().text())
          .addReceipts(
              receipt(registered.given.get(i), entry)
                  .setProof(answers.inclusion(entry.index(), size))
                  .build());
    }
    return response.build();
  }

  /// Registers what came by another way than a stream.
  ///
  /// @param examples contributor and digest of each, at most [Contributions#MAX_MANIFEST]
  /// @return digest of the manifest
  String register(
      String tenant, List<Given> examples, String dataset, String licence, Call<?> call) {
    long now = micros();
    return commit(
            tenant,
            examples.stream()
                .map(
                    each ->
                        new ContributionRecord(
                            each.contributor, each.example, licence, dataset, now))
                .toList(),
            call)
        .manifest;
  }

  /// Who gave what.
  ///
  /// @param example of [ContributionRecord#digest]
  record Given(String contributor, Hash example) {}

  /// What contributions of this tenant said that were withdrawn, as far as it is not erased.
  Set<Given> withdrawn(String tenant) {
    Set<Given> withdrawn = new HashSet<>();
    for (long leaf : contributions.withdrawn(tenant)) {
      ledger
          .record(leaf)
          .map(ContributionRecord::of)
          .ifPresent(record -> withdrawn.add(new Given(record.contributor(), record.example())));
    }
    return withdrawn;
  }

  private record Registered(
      List<ContributionRecord> given, List<Entry> entries, String manifest, Note checkpoint) {}

  private Registered commit(String tenant, List<ContributionRecord> given, Call<?> call) {
    List<Long> leaves = append(given, call);
    Note checkpoint = call.await(ledger.log().covering(leaves.getLast()).copy());
    List<Entry> entries = leaves.stream().map(ledger::entry).toList();
    List<Hash> hashes = entries.stream().map(entry -> entry.leaf().hash()).toList();
    String manifest = Merkle.root(hashes).text();
    contributions.register(
        tenant,
        manifest,
        entries.stream()
            .map(entry -> new Contribution(entry.leaf().hash().text(), entry.index()))
            .toList());
    return new Registered(given, entries, manifest, checkpoint);
  }

  private List<ContributionRecord> receive(Inbound<RegisterContributionsRequest> requests) {
    RegisterContributionsRequest first = requests.take();
    if (first == null || !first.hasHeader()) {
      throw Statuses.invalid("header", "must come first");
    }
    Header header = first.getHeader();
    String dataset = ProvenanceRequests.name(header.getDataset(), "header.dataset");
    String licence = ProvenanceRequests.licence(header.getLicence(), "header.licence");
    long now = micros();
    List<ContributionRecord> given = new ArrayList<>();
    for (var next = requests.take(); next != null; next = requests.take()) {
      if (!next.hasContribution()) {
        throw Statuses.invalid("contribution", "must follow the header");
      }
      if (given.size() == Contributions.MAX_MANIFEST) {
        throw Statuses.invalid(
            "contribution", "comes more than " + Contributions.MAX_MANIFEST + " times");
      }
      String field = "contribution[" + given.size() + "]";
      String contributor =
          ProvenanceRequests.name(next.getContribution().getContributor(), field + ".contributor");
      Hash example = example(next.getContribution().getMessagesList(), field + ".messages");
      given.add(new ContributionRecord(contributor, example, licence, dataset, now));
    }
    if (given.isEmpty()) {
      throw Statuses.invalid("contribution", "must come at least once");
    }
    return given;
  }

  private static Hash example(List<ChatMessage> messages, String field) {
    if (messages.isEmpty() || messages.size() > MAX_MESSAGES) {
      throw Statuses.invalid(
          field, "has " + messages.size() + " entries, must have 1 to " + MAX_MESSAGES);
    }
    List<Message> said = new ArrayList<>();
    for (ChatMessage message : messages) {
      String role = message.getRole();
      if (role.isBlank() || role.length() > MAX_ROLE) {
        throw Statuses.invalid(
            field + "[" + said.size() + "].role", "must have 1 to " + MAX_ROLE + " characters");
      }
      said.add(new Message(role, message.getContent()));
    }
    return ContributionRecord.digest(said);
  }

  /// Indices of the leaves, all of which are durable.
  private List<Long> append(List<ContributionRecord> given, Call<?> call) {
    List<Long> leaves = new ArrayList<>();
    Deque<CompletableFuture<Long>> waiting = new ArrayDeque<>();
    for (ContributionRecord record : given) {
      if (waiting.size() == WINDOW) {
        leaves.add(waiting.remove().join());
      }
      if (call.isOver()) {
        throw new CancellationException();
      }
      waiting.add(ledger.append(record));
    }
    waiting.forEach(append -> leaves.add(append.join()));
    return leaves;
  }

  private static ContributionReceipt.Builder receipt(ContributionRecord record, Entry entry) {
    Sealed sealed = entry.sealed().orElseThrow();
    ContributionReceipt.Builder receipt =
        ContributionReceipt.newBuilder()
            .setContributionId(entry.leaf().hash().text())
            .setContributor(record.contributor())
            .setLeaf(ByteString.copyFrom(entry.leaf().encode()));
    sealed.fields().forEach(field -> receipt.addFields(Statements.field(field)));
    return receipt;
  }

  /// Withdraws a contribution of the caller's tenant. The state knows of it before the ledger does,
  /// so that nothing is made of it if this is interrupted; asked again it is finished. Its example
  /// is forgotten last.
  synchronized WithdrawContributionResponse withdraw(WithdrawContributionRequest request) {
    String id = request.getContributionId();
    if (id.isEmpty()) {
      throw Statuses.invalid("contribution_id", "is required");
    }
    AdapterChoice.checkDigest(id, "contribution_id");
    String reason = ProvenanceRequests.reason(request.getReason());
    String tenant = Caller.current().tenant();
    Contribution withdrawn = contributions.withdraw(tenant, id);
    Long leaf = withdrawn.withdrawalLeaf();
    if (leaf == null) {
      leaf = ledger.append(withdrawal(withdrawn, reason)).join();
      contributions.recordWithdrawal(id, leaf);
    }
    try {
      examples.forget(tenant, id);
    } catch (IOException e) {
      throw Statuses.unstorable(e);
    }
    return WithdrawContributionResponse.newBuilder()
        .setLeafIndex(leaf)
        .addAllAdapterDigests(contributions.servedFrom(tenant, id))
        .build();
  }

  private WithdrawalRecord withdrawal(Contribution contribution, String reason) {
    long now = micros();
    String contributor =
        ledger
            .record(contribution.leaf())
            .map(ContributionRecord::of)
            .map(ContributionRecord::contributor)
            .orElse(""); // It is erased.
    return new WithdrawalRecord(
        new WithdrawalRecord.Open(Record.hour(now), contribution.leaf()), contributor, reason, now);
  }

  private long micros() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, time.instant());
  }
}
