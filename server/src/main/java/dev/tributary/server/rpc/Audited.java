package dev.tributary.server.rpc;

import dev.tributary.server.state.Audit;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.InstantSource;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/// Serves calls that change something: each goes to the audit log with its outcome, also when it
/// was refused.
final class Audited {
  /// @param tenant that is acted on; asked for before the action
  /// @param subject what it is done to, as far as the request says
  record Asked(String action, Supplier<String> tenant, String subject) {}

  private final Audit audit;
  private final Ids ids;
  private final InstantSource time;

  Audited(Audit audit, Ids ids, InstantSource time) {
    this.audit = audit;
    this.ids = ids;
    this.time = time;
  }

  /// Answers with what `work` gives.
  <T> void change(StreamObserver<T> responses, Asked asked, Function<Call<T>, T> work) {
    change(responses, asked, response -> asked.subject(), work);
  }

  /// Answers with what `work` gives.
  ///
  /// @param subject what it was done to
  <T> void change(
      StreamObserver<T> responses,
      Asked asked,
      Function<T, String> subject,
      Function<Call<T>, T> work) {
    Call.serve(
        responses,
        ids.next(),
        call -> {
          String tenant = asked.tenant().get();
          T response = attempt(asked, tenant, call, work);
          record(asked.action(), tenant, subject.apply(response), "OK", "");
          call.answer(response);
        });
  }

  /// Serves a call whose `work` sends its own answers.
  <T> void stream(StreamObserver<T> responses, Asked asked, Consumer<Call<T>> work) {
    Call.serve(
        responses,
        ids.next(),
        call -> {
          String tenant = asked.tenant().get();
          boolean unused =
              attempt(
                  asked,
                  tenant,
                  call,
                  same -> {
                    work.accept(same);
                    return true;
                  });
          record(asked.action(), tenant, asked.subject(), "OK", "");
        });
  }

  /// What `work` gives; what it throws is recorded.
  private <T, R> R attempt(Asked asked, String tenant, Call<T> call, Function<Call<T>, R> work) {
    try {
      return work.apply(call);
    } catch (RuntimeException e) {
      StatusRuntimeException refused = Statuses.of(e, call.id());
      record(
          asked.action(),
          tenant,
          asked.subject(),
          refused.getStatus().getCode().name(),
          String.valueOf(refused.getStatus().getDescription()));
      throw refused;
    }
  }

  private void record(String action, String tenant, String subject, String outcome, String detail) {
    audit.append(
        time.instant(), Caller.current().keyId(), tenant, action, subject, outcome, detail);
  }
}
