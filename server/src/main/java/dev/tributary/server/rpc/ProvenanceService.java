package dev.tributary.server.rpc;

import dev.tributary.server.accounts.Accounts;
import dev.tributary.server.accounts.Generation;
import dev.tributary.server.accounts.GenerationQuery;
import dev.tributary.server.adapter.AdapterException;
import dev.tributary.server.adapter.Catalogue;
import dev.tributary.server.ledger.Log;
import dev.tributary.server.rpc.ProvenanceRequests.Period;
import dev.tributary.server.rpc.Receipts.Reader;
import dev.tributary.server.state.Role;
import dev.tributary.tlog.Note;
import dev.tributary.v1.Checkpoint;
import dev.tributary.v1.ConsistencyProof;
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
import dev.tributary.v1.ReceiptFile;
import dev.tributary.v1.RegisterContributionsRequest;
import dev.tributary.v1.RegisterContributionsResponse;
import dev.tributary.v1.Statement;
import dev.tributary.v1.WatchCheckpointsRequest;
import dev.tributary.v1.WithdrawContributionRequest;
import dev.tributary.v1.WithdrawContributionResponse;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;

/// The methods of tributary.v1.Provenance: the ledger as callers, contributors and auditors see it.
final class ProvenanceService extends ProvenanceGrpc.ProvenanceImplBase {
  /// Between looks at whether a call that waits has ended.
  private static final Duration LOOK = Duration.ofMillis(100);

  private final Books books;
  private final Log log;
  private final Accounts accounts;
  private final Catalogue catalogue;
  private final Receipts receipts;
  private final LogAnswers answers;
  private final CheckpointFeed feed;
  private final Statements statements;
  private final Contributing contributing;
  private final Ids ids;
  private final Delay delay;
  private final Duration streamIdle;

  /// @param streamIdle a stream that takes or brings nothing for so long ends
  ProvenanceService(
      Books books,
      Catalogue catalogue,
      Contributing contributing,
      Ids ids,
      Delay delay,
      Duration streamIdle) {
    this.books = books;
    this.log = books.ledger().log();
    this.accounts = books.accounts();
    this.catalogue = catalogue;
    this.contributing = contributing;
    this.ids = ids;
    this.delay = delay;
    this.streamIdle = streamIdle;
    receipts = new Receipts(books.ledger(), accounts);
    answers = new LogAnswers(log);
    feed = new CheckpointFeed(log);
    statements = new Statements(books.ledger(), accounts);
  }

  @Override
  public void getReceipt(GetReceiptRequest request, StreamObserver<ReceiptFile> responses) {
    serve(responses, call -> receipt(request, call));
  }

  /// A receipt needs a checkpoint that covers it, which there is within the time between two; only
  /// for an attribution that is not there yet a caller has to ask to wait.
  private ReceiptFile receipt(GetReceiptRequest request, Call<?> call) {
    ProvenanceRequests.checkId(request.getGenerationId(), "generation_id");
    books.follow();
    Generation found = find(request.getGenerationId());
    while (request.getWait() && found.attribution().isEmpty()) {
      var unused = books.awaitUpTo(accounts.followed(), LOOK);
      if (call.isOver()) {
        throw new CancellationException();
      }
      found = find(request.getGenerationId());
    }
    long last = Math.max(found.leaf(), found.attribution().map(a -> a.leaf()).orElse(0L));
    return receipts.file(
        found, reader(found), request.getCosigned() ? cosigned(last, call) : covering(last, call));
  }

  private Note covering(long leaf, Call<?> call) {
    var covered = call.await(log.covering(leaf).copy());
    return log.checkpoint();
  }

  private Note cosigned(long leaf, Call<?> call) {
    Note note = answers.cosigned();
    while (CheckpointFeed.size(note) <= leaf) {
      CheckpointFeed.look(call);
      note = answers.cosigned();
    }
    return note;
  }

  /// The generation, if the caller may know of it. An auditor, who checks the log for all, may know
  /// of any whose id somebody told.
  private Generation find(String id) {
    Caller caller = Caller.current();
    Optional<Generation> found = accounts.generation(caller.tenant(), id);
    if (found.isEmpty() && audits(caller)) {
      found = accounts.generation(id);
    }
    return found.orElseThrow(() -> Statuses.notFound("generation", id));
  }

  private static boolean audits(Caller caller) {
    return caller.role() == Role.AUDITOR || caller.role() == Role.ADMIN;
  }

  private static Reader reader(Generation generation) {
    Caller caller = Caller.current();
    boolean own = generation.tenant().equals(caller.tenant()) && caller.role() != Role.AUDITOR;
    return own ? Reader.OWN : Reader.AUDITOR;
  }

  @Override
  public void listReceipts(
      ListReceiptsRequest request, StreamObserver<ListReceiptsResponse> responses) {
    serve(responses, call -> list(request));
  }

  private ListReceiptsResponse list(ListReceiptsRequest request) {
    String tenant = Caller.current().tenant();
    int size = AdapterRequests.pageSize(request.getPageSize());
    Period ended = ProvenanceRequests.period(request.getTime(), "time");
    Optional<String> adapter = adapter(request.getAdapter());
    String contributor =
        request.getContributor().isEmpty()
            ? ""
            : ProvenanceRequests.name(request.getContributor(), "contributor");
    String list =
        String.join(
            "\t",
            "receipts",
            tenant,
            Long.toString(ended.fromMicros()),
            Long.toString(ended.toMicros()),
            adapter.orElse(""),
            contributor);
    books.follow();
    List<Generation> found =
        accounts.generations(
            new GenerationQuery(
                tenant,
                ended.fromMicros(),
                ended.toMicros(),
                adapter,
                Optional.of(contributor).filter(name -> !name.isEmpty()),
                PageToken.read(request.getPageToken(), list).generation(),
                size));
    ListReceiptsResponse.Builder response = ListReceiptsResponse.newBuilder();
    found.forEach(each -> response.addReceipts(receipts.summary(each, Reader.OWN)));
    if (found.size() == size) {
      Generation last = found.getLast();
      response.setNextPageToken(new PageToken(list, last.endMicros() + " " + last.leaf()).text());
    }
    return response.build();
  }

  /// `tenant/name`; of a name alone the adapter that it leads to, or led to if it is gone.
  private Optional<String> adapter(String name) {
    if (name.isEmpty()) {
      return Optional.empty();
    }
    AdapterChoice.checkName(name, "adapter");
    if (name.indexOf('/') >= 0) {
      return Optional.of(name);
    }
    String tenant = Caller.current().tenant();
    try {
      return Optional.of(catalogue.get(tenant, name).adapter().name().toString());
    } catch (AdapterException e) {
      return Optional.of(tenant + "/" + name);
    }
  }

  @Override
  public void getCheckpoint(GetCheckpointRequest request, StreamObserver<Checkpoint> responses) {
    serve(responses, call -> answers.checkpoint(request));
  }

  @Override
  public void getInclusionProof(
      GetInclusionProofRequest request, StreamObserver<InclusionProof> responses) {
    serve(responses, call -> answers.inclusion(request));
  }

  @Override
  public void getConsistencyProof(
      GetConsistencyProofRequest request, StreamObserver<ConsistencyProof> responses) {
    serve(responses, call -> answers.consistency(request));
  }

  @Override
  public void getEntries(GetEntriesRequest request, StreamObserver<GetEntriesResponse> responses) {
    serve(responses, call -> answers.entries(request));
  }

  @Override
  public void watchCheckpoints(
      WatchCheckpointsRequest request, StreamObserver<Checkpoint> responses) {
    Call.serve(
        responses,
        ids.next(),
        call -> {
          PacedStream<Checkpoint> stream = call.paced(delay, streamIdle);
          if (request.getCosigned()) {
            CheckpointFeed.run(answers::cosigned, call, stream, answers::checkpoint);
          } else {
            feed.run(call, stream, answers::checkpoint);
          }
        });
  }

  @Override
  public void getStatement(GetStatementRequest request, StreamObserver<Statement> responses) {
    serve(
        responses,
        call -> {
          books.follow();
          return statements.of(request, Caller.current());
        });
  }

  @Override
  public StreamObserver<RegisterContributionsRequest> registerContributions(
      StreamObserver<RegisterContributionsResponse> responses) {
    Inbound<RegisterContributionsRequest> requests = new Inbound<>(responses, delay, streamIdle);
    serve(responses, call -> contributing.register(requests, call, answers));
    return requests;
  }

  @Override
  public void withdrawContribution(
      WithdrawContributionRequest request, StreamObserver<WithdrawContributionResponse> responses) {
    serve(responses, call -> contributing.withdraw(request));
  }

  private interface Work<T> {
    T answer(Call<T> call);
  }

  private <T> void serve(StreamObserver<T> responses, Work<T> work) {
    Call.serve(responses, ids.next(), call -> call.answer(work.answer(call)));
  }
}
