package dev.tributary.client;

import static dev.tributary.client.Connection.calling;
import static dev.tributary.client.Connection.quick;
import static dev.tributary.client.Connection.within;

import dev.tributary.v1.GetStatementRequest;
import dev.tributary.v1.ProvenanceGrpc;
import dev.tributary.v1.RegisterContributionsRequest;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import dev.tributary.v1.RegisterContributionsRequest.Header;
import dev.tributary.v1.RegisterContributionsResponse;
import dev.tributary.v1.Statement;
import dev.tributary.v1.TimeRange;
import dev.tributary.v1.WithdrawContributionRequest;
import dev.tributary.v1.WithdrawContributionResponse;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.List;
import java.util.function.IntConsumer;

/// Training examples as the ledger has them: who gave them, under which licence, and what they
/// earned.
public final class Contributions {
  /// Contributions of one call, so that their receipts fit into one response.
  public static final int MAX_PER_CALL = 10_000;

  private final ProvenanceGrpc.ProvenanceBlockingStub stub;
  private final ProvenanceGrpc.ProvenanceBlockingV2Stub streaming;

  Contributions(
      ProvenanceGrpc.ProvenanceBlockingStub stub,
      ProvenanceGrpc.ProvenanceBlockingV2Stub streaming) {
    this.stub = stub;
    this.streaming = streaming;
  }

  /// Commits contributions to the ledger, all or none. [ContributionReceipts] says what the
  /// response is worth.
  ///
  /// @param contributions at most [#MAX_PER_CALL]
  /// @param time for the whole call
  /// @param sent hears how many are under way
  /// @throws TributaryException if the call failed
  public RegisterContributionsResponse register(
      Header header, List<Contribution> contributions, Duration time, IntConsumer sent)
      throws InterruptedException {
    if (contributions.size() > MAX_PER_CALL) {
      throw new IllegalArgumentException(
          contributions.size() + " contributions are more than " + MAX_PER_CALL);
    }
    try {
      return send(header, contributions, time, sent);
    } catch (StatusException e) {
      throw new TributaryException(e);
    }
  }

  private RegisterContributionsResponse send(
      Header header, List<Contribution> contributions, Duration time, IntConsumer sent)
      throws InterruptedException, StatusException {
    BlockingClientCall<RegisterContributionsRequest, RegisterContributionsResponse> call =
        within(streaming, time).registerContributions();
    try {
      boolean taken =
          call.write(RegisterContributionsRequest.newBuilder().setHeader(header).build());
      for (int i = 0; taken && i < contributions.size(); i++) {
        taken =
            call.write(
                RegisterContributionsRequest.newBuilder()
                    .setContribution(contributions.get(i))
                    .build());
        sent.accept(i + 1);
      }
      call.halfClose();
      RegisterContributionsResponse response = call.read();
      if (response == null) {
        throw Status.UNAVAILABLE
            .withDescription("the server ended the call without a response")
            .asException();
      }
      return response;
    } finally {
      // Nothing after the end; else the server must not wait for more.
      call.cancel("the registration was given up", null);
    }
  }

  /// Marks a contribution as withdrawn.
  ///
  /// @throws TributaryException if the call failed
  public WithdrawContributionResponse withdraw(String contributionId, String reason) {
    WithdrawContributionRequest request =
        WithdrawContributionRequest.newBuilder()
            .setContributionId(contributionId)
            .setReason(reason)
            .build();
    return calling(() -> quick(stub).withdrawContribution(request));
  }

  /// What a contributor's data did and earned in a period.
  ///
  /// @param period with both bounds
  /// @throws TributaryException if the call failed
  public Statement statement(String contributor, TimeRange period) {
    GetStatementRequest request =
        GetStatementRequest.newBuilder().setContributor(contributor).setPeriod(period).build();
    return calling(() -> quick(stub).getStatement(request));
  }
}
