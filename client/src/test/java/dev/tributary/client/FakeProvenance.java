package dev.tributary.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.rpc.ResourceInfo;
import dev.tributary.record.AdapterBuildRecord;
import dev.tributary.record.AttributionRecord;
import dev.tributary.record.ContributionRecord;
import dev.tributary.record.Leaf;
import dev.tributary.record.Proven;
import dev.tributary.record.Record;
import dev.tributary.record.SaltedField;
import dev.tributary.record.Sealed;
import dev.tributary.record.SettlementRecord;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Note;
import dev.tributary.tlog.SigningKey;
import dev.tributary.tlog.VerifierKey;
import dev.tributary.v1.Attribution;
import dev.tributary.v1.Checkpoint;
import dev.tributary.v1.ConsistencyProof;
import dev.tributary.v1.ContributionReceipt;
import dev.tributary.v1.GetCheckpointRequest;
import dev.tributary.v1.GetConsistencyProofRequest;
import dev.tributary.v1.GetEntriesRequest;
import dev.tributary.v1.GetEntriesResponse;
import dev.tributary.v1.GetInclusionProofRequest;
import dev.tributary.v1.GetReceiptRequest;
import dev.tributary.v1.GetStatementRequest;
import dev.tributary.v1.InclusionProof;
import dev.tributary.v1.ListReceiptsRequest;
import dev.tributary.v1.ListReceiptsResponse;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.Receipt;
import dev.tributary.v1.ReceiptFile;
import dev.tributary.v1.RegisterContributionsRequest;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import dev.tributary.v1.RegisterContributionsResponse;
import dev.tributary.v1.Statement;
import dev.tributary.v1.WatchCheckpointsRequest;
import dev.tributary.v1.WithdrawContributionRequest;
import dev.tributary.v1.WithdrawContributionResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongFunction;
import java.util.function.UnaryOperator;

/// A log in memory that is published whole with each call, and lies on command.
public final class FakeProvenance extends ProvenanceGrpc.ProvenanceImplBase {
  public static final String ORIGIN = "log.example/town";

  /// What a watch is told, and how it ends.
  public record Watched(List<Checkpoint> checkpoints, Status end) {}

  public final Queue<GetReceiptRequest> receiptsAsked = new ConcurrentLinkedQueue<>();
  public final Queue<ListReceiptsRequest> listed = new ConcurrentLinkedQueue<>();
  public final Queue<GetEntriesRequest> entriesAsked = new ConcurrentLinkedQueue<>();
  public final Queue<GetStatementRequest> statementsAsked = new ConcurrentLinkedQueue<>();
  public final Queue<WithdrawContributionRequest> withdrawn = new ConcurrentLinkedQueue<>();
  public final Queue<RegisterContributionsRequest.Header> registered =
      new ConcurrentLinkedQueue<>();

  /// Whole receipts by generation id.
  public final Map<String, ReceiptFile> receipts = new LinkedHashMap<>();

  /// What the next watches are told; after the last one they are UNAVAILABLE.
  public final Queue<Watched> watches = new ConcurrentLinkedQueue<>();

  /// Signs checkpoints and is shown with them.
  public volatile SigningKey key = SigningKey.generate(ORIGIN, new SecureRandom());

  /// A witness that cosigns every checkpoint for those who ask for it.
  public final SigningKey witness = SigningKey.generate("witness.example", new SecureRandom());

  /// What becomes of a registration's response before it is sent.
  public volatile UnaryOperator<RegisterContributionsResponse> registering = r -> r;

  /// What becomes of an entry before it is sent.
  public volatile UnaryOperator<GetEntriesResponse.Entry> reading = entry -> entry;

  /// Leaves come with each checkpoint that is asked for, as on a log in use.
  public volatile Runnable publishing = () -> {};

  public volatile Statement statement = Statement.getDefaultInstance();

  private final FakeServer server;
  private final SecureRandom random = new SecureRandom();
  private final List<byte[]> leaves = new ArrayList<>();

  FakeProvenance(FakeServer server) {
    this.server = server;
  }

  /// @return the index of its leaf
  public synchronized long append(Record record) {
    return append(record.seal(random));
  }

  public synchronized long append(Sealed sealed) {
    sealed.leaves().forEach(leaf -> leaves.add(leaf.encode()));
    return leaves.size() - 1L;
  }

  /// Appends bytes that need be no record.
  public synchronized long append(byte[] leaf) {
    leaves.add(leaf.clone());
    return leaves.size() - 1L;
  }

  public synchronized long size() {
    return leaves.size();
  }

  /// Writes history anew.
  public synchronized void replace(int index, byte[] leaf) {
    leaves.set(index, leaf.clone());
  }

  /// Forgets the last leaves.
  public synchronized void cut(int size) {
    leaves.subList(size, leaves.size()).clear();
  }

  public synchronized List<Hash> hashes() {
    return leaves.stream().map(Merkle::leaf).toList();
  }

  public List<Hash> inclusion(long index) {
    return Merkle.inclusionProof(index, size(), Merkle.of(hashes()));
  }

  /// The checkpoint of the first leaves.
  public Note note(int size) {
    Hash root = Merkle.root(hashes().subList(0, size));
    return key.signed(new dev.tributary.tlog.Checkpoint(ORIGIN, size, root).text());
  }

  public Checkpoint checkpoint(int size) {
    return Checkpoint.newBuilder()
        .setNote(note(size).toString())
        .setOrigin(ORIGIN)
        .setSize(size)
        .setVerifierKey(key.verifierKey().toString())
        .build();
  }

  public VerifierKey verifierKey() {
    return key.verifierKey();
  }

  /// Appends an attributed generation, and keeps its receipt under its id.
  public byte[] answered(String id) {
    dev.tributary.record.Receipt receipt = receipt(id, List.of(), Records::attribution);
    long leaf = receipt.generation().index();
    receipts.put(
        id,
        ReceiptFile.newBuilder()
            .setSummary(
                Receipt.newBuilder()
                    .setGenerationId(id)
                    .setLeafIndex(leaf)
                    .setEndTime(Timestamp.newBuilder().setSeconds(Records.HOUR * 3_600))
                    .setAttribution(
                        Attribution.newBuilder()
                            .setBasePpm(250_000)
                            .setUnattributedPpm(350_000)
                            .addShares(
                                Attribution.Share.newBuilder()
                                    .setContributor("ann")
                                    .setPpm(400_000))))
            .setFile(ByteString.copyFrom(receipt.bytes()))
            .build());
    return receipt.bytes();
  }

  /// Appends builds, a generation that used these adapters, and its attribution.
  public dev.tributary.record.Receipt receipt(
      String id, List<AdapterBuildRecord> builds, LongFunction<AttributionRecord> attributionOf) {
    List<Sealed> built = builds.stream().map(build -> build.seal(random)).toList();
    List<Long> places = built.stream().map(this::append).toList();
    append(Records.started(id));
    Sealed generation = Records.generation(id, builds).seal(random);
    long leaf = append(generation);
    Sealed attribution = attributionOf.apply(leaf).seal(random);
    long shares = append(attribution);
    List<Proven> proven = new ArrayList<>();
    for (int i = 0; i < built.size(); i++) {
      proven.add(proven(built.get(i), places.get(i)));
    }
    return new dev.tributary.record.Receipt(
        proven(generation, leaf),
        Optional.of(proven(attribution, shares)),
        proven,
        List.of(),
        note((int) size()));
  }

  private Proven proven(Sealed sealed, long leaf) {
    return Proven.of(sealed, List.of(new Proven.Place(leaf, inclusion(leaf))));
  }

  @Override
  public void getReceipt(GetReceiptRequest request, StreamObserver<ReceiptFile> observer) {
    receiptsAsked.add(request);
    ReceiptFile receipt = receipts.get(request.getGenerationId());
    if (receipt == null) {
      observer.onError(missing("generation", request.getGenerationId()));
    } else {
      server.answer(observer, receipt);
    }
  }

  private static StatusRuntimeException missing(String type, String name) {
    return FakeServer.status(
        Status.Code.NOT_FOUND,
        "no \"" + name + "\"",
        ResourceInfo.newBuilder().setResourceType(type).setResourceName(name).build());
  }

  @Override
  public void listReceipts(
      ListReceiptsRequest request, StreamObserver<ListReceiptsResponse> observer) {
    listed.add(request);
    List<Receipt> all = receipts.values().stream().map(ReceiptFile::getSummary).toList();
    // Two pages, where there is more than one receipt.
    int half = all.size() / 2;
    boolean first = request.getPageToken().isEmpty() && half > 0;
    List<Receipt> page =
        first
            ? all.subList(0, half)
            : all.subList(request.getPageToken().isEmpty() ? 0 : half, all.size());
    server.answer(
        observer,
        ListReceiptsResponse.newBuilder()
            .addAllReceipts(page)
            .setNextPageToken(first ? "2" : "")
            .build());
  }

  @Override
  public void getCheckpoint(GetCheckpointRequest request, StreamObserver<Checkpoint> observer) {
    Checkpoint checkpoint = checkpoint((int) size());
    if (request.getCosigned()) {
      Note note = note((int) size());
      checkpoint =
          checkpoint.toBuilder()
              .setNote(note.with(witness.cosign(note.text(), 1_700_000_000)).toString())
              .build();
    }
    publishing.run();
    server.answer(observer, checkpoint);
  }

  @Override
  public void getConsistencyProof(
      GetConsistencyProofRequest request, StreamObserver<ConsistencyProof> observer) {
    ConsistencyProof.Builder proof = ConsistencyProof.newBuilder();
    Merkle.consistencyProof(request.getOldSize(), request.getNewSize(), Merkle.of(hashes()))
        .forEach(hash -> proof.addHashes(ByteString.copyFrom(hash.bytes())));
    server.answer(observer, proof.build());
  }

  @Override
  public void getInclusionProof(
      GetInclusionProofRequest request, StreamObserver<InclusionProof> observer) {
    InclusionProof.Builder proof = InclusionProof.newBuilder();
    inclusion(request.getLeafIndex())
        .forEach(hash -> proof.addHashes(ByteString.copyFrom(hash.bytes())));
    server.answer(observer, proof.build());
  }

  /// Closes a period in which Ann earned 300 of 500, and states it.
  public Statement settled() {
    SettlementRecord settlement = Records.settlementOfMany();
    Sealed sealed = settlement.seal(random);
    long leaf = append(sealed);
    List<Hash> lines =
        settlement.lines().stream().map(line -> Merkle.leaf(line.commitment().bytes())).toList();
    SaltedField line = settlement.lines().get(1);
    Statement.LineProof.Builder proof =
        Statement.LineProof.newBuilder()
            .setLeafIndex(leaf)
            .setLeaf(ByteString.copyFrom(sealed.leaf().encode()))
            .setLine(
                ContributionReceipt.Field.newBuilder()
                    .setTag(line.tag())
                    .setSalt(ByteString.copyFrom(line.salt()))
                    .setData(ByteString.copyFrom(line.data())))
            .setPosition(1)
            .setLines(lines.size());
    Merkle.inclusionProof(1, lines.size(), Merkle.of(lines))
        .forEach(hash -> proof.addHashes(ByteString.copyFrom(hash.bytes())));
    return Statement.newBuilder()
        .setContributor("ann")
        .setCurrency("EUR")
        .setAmountMicros(1_250_300)
        .setSettlementLeafIndex(leaf)
        .addLines(
            Statement.Line.newBuilder()
                .setAdapter("public/town-guide")
                .setNumber(3)
                .setDigest(Records.BASE.text())
                .setGenerations(4)
                .setPpm(1_000_000)
                .setAmountMicros(300)
                .setSettled(true))
        .addLines(
            Statement.Line.newBuilder()
                .setAdapter("public/town-guide")
                .setNumber(3)
                .setDigest(Records.BASE.text())
                .setGenerations(2)
                .setPpm(500_000)
                .setAmountMicros(1_250_000))
        .addProofs(proof)
        .build();
  }

  @Override
  public void getEntries(GetEntriesRequest request, StreamObserver<GetEntriesResponse> observer) {
    entriesAsked.add(request);
    server.answer(observer, entries(request));
  }

  private synchronized GetEntriesResponse entries(GetEntriesRequest request) {
    GetEntriesResponse.Builder page = GetEntriesResponse.newBuilder();
    // Fewer than are asked for, as a server that bounds its messages.
    long end = Math.min(leaves.size(), request.getStart() + Math.min(700, request.getPageSize()));
    for (long i = request.getStart(); i < end; i++) {
      page.addEntries(
          reading.apply(
              GetEntriesResponse.Entry.newBuilder()
                  .setLeafIndex(i)
                  .setData(ByteString.copyFrom(leaves.get((int) i)))
                  .build()));
    }
    return page.build();
  }

  @Override
  public void watchCheckpoints(
      WatchCheckpointsRequest request, StreamObserver<Checkpoint> observer) {
    Watched watched =
        watches.isEmpty() ? new Watched(List.of(), Status.UNAVAILABLE) : watches.remove();
    watched.checkpoints().forEach(observer::onNext);
    if (watched.end().isOk()) {
      observer.onCompleted();
    } else {
      observer.onError(watched.end().asRuntimeException());
    }
  }

  @Override
  public void getStatement(GetStatementRequest request, StreamObserver<Statement> observer) {
    statementsAsked.add(request);
    server.answer(
        observer,
        statement.hasPeriod()
            ? statement
            : statement.toBuilder().setPeriod(request.getPeriod()).build());
  }

  @Override
  public void withdrawContribution(
      WithdrawContributionRequest request, StreamObserver<WithdrawContributionResponse> observer) {
    withdrawn.add(request);
    server.answer(
        observer,
        WithdrawContributionResponse.newBuilder()
            .setLeafIndex(77)
            .addAdapterDigests(FakeServer.DIGEST)
            .build());
  }

  @Override
  public StreamObserver<RegisterContributionsRequest> registerContributions(
      StreamObserver<RegisterContributionsResponse> observer) {
    return new StreamObserver<>() {
      private final List<Contribution> contributions = new ArrayList<>();
      private RegisterContributionsRequest.Header header =
          RegisterContributionsRequest.Header.getDefaultInstance();

      @Override
      public void onNext(RegisterContributionsRequest request) {
        switch (request.getPartCase()) {
          case HEADER -> header = request.getHeader();
          case CONTRIBUTION -> contributions.add(request.getContribution());
          case PART_NOT_SET -> throw new IllegalArgumentException("a part without content");
        }
      }

      @Override
      public void onError(Throwable failure) {
        // The client went away; nothing is registered.
      }

      @Override
      public void onCompleted() {
        registered.add(header);
        if (!server.failed(observer)) {
          server.answer(observer, registering.apply(register(header, contributions)));
        }
      }
    };
  }

  private synchronized RegisterContributionsResponse register(
      RegisterContributionsRequest.Header header, List<Contribution> contributions) {
    long first = size();
    List<Sealed> sealed = new ArrayList<>();
    for (Contribution contribution : contributions) {
      Hash example =
          ContributionRecord.digest(
              contribution.getMessagesList().stream()
                  .map(each -> new ContributionRecord.Message(each.getRole(), each.getContent()))
                  .toList());
      sealed.add(
          new ContributionRecord(
                  contribution.getContributor(),
                  example,
                  header.getLicence(),
                  header.getDataset(),
                  1_700_000_000_000_000L)
              .seal(random));
      append(sealed.getLast());
    }
    RegisterContributionsResponse.Builder response =
        RegisterContributionsResponse.newBuilder()
            .setFirstLeafIndex(first)
            .setManifestDigest(
                Merkle.root(sealed.stream().map(Sealed::leaf).map(Leaf::hash).toList()).text())
            .setCheckpoint(checkpoint((int) size()));
    for (int i = 0; i < sealed.size(); i++) {
      response.addContributionIds(sealed.get(i).leaf().hash().text());
      response.addReceipts(
          receipt(contributions.get(i).getContributor(), first + i, sealed.get(i)));
    }
    return response.build();
  }

  private ContributionReceipt receipt(String contributor, long index, Sealed sealed) {
    ContributionReceipt.Builder receipt =
        ContributionReceipt.newBuilder()
            .setContributionId(sealed.leaf().hash().text())
            .setContributor(contributor)
            .setLeaf(ByteString.copyFrom(sealed.leaf().encode()));
    for (SaltedField field : sealed.fields()) {
      receipt
          .addFieldsBuilder()
          .setTag(field.tag())
          .setSalt(ByteString.copyFrom(field.salt()))
          .setData(ByteString.copyFrom(field.data()));
    }
    InclusionProof.Builder proof =
        InclusionProof.newBuilder().setLeafIndex(index).setTreeSize(size());
    inclusion(index).forEach(hash -> proof.addHashes(ByteString.copyFrom(hash.bytes())));
    return receipt.setProof(proof).build();
  }
}
