package dev.tributary.server.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import dev.tributary.server.accounts.AccountsException;
import dev.tributary.server.adapter.AdapterException;
import dev.tributary.server.adapter.AdapterRefusal;
import dev.tributary.server.adapter.InvalidUploadException;
import dev.tributary.server.engine.Failure;
import dev.tributary.server.engine.JobFailedException;
import dev.tributary.server.engine.Rejection;
import dev.tributary.server.ledger.LedgerBroken;
import dev.tributary.server.ledger.LedgerBusy;
import dev.tributary.server.state.StateException;
import dev.tributary.server.state.VersionRecord;
import dev.tributary.server.tokenize.TemplateException;
import dev.tributary.server.train.DataException;
import dev.tributary.server.train.DataRefusal;
import dev.tributary.server.train.InvalidSettingException;
import dev.tributary.server.train.TrainingException;
import dev.tributary.server.train.TrainingRefusal;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Every status that this server answers with, by the table of api.md ("Status codes").
final class Statuses {
  private static final Logger log = LoggerFactory.getLogger(Statuses.class);

  /// `domain` of every ErrorInfo.
  static final String DOMAIN = "tributary.v1";

  /// What a caller is told to wait where nothing better is known.
  private static final java.time.Duration RETRY = java.time.Duration.ofSeconds(1);

  /// Callers' own words are repeated in messages; trailers have to stay small.
  private static final int MAX_TEXT = 500;

  private static final int MAX_VIOLATIONS = 16;

  private static final String STREAM_IDLE = "STREAM_IDLE";

  static final String SHUTTING_DOWN = "the server is shutting down";

  /// A field of the request and what is wrong with it.
  record Violation(String field, String description) {}

  private Statuses() {}

  /// The status of whatever ended the call `id`. What nobody expected is logged, and told to the
  /// caller by the id alone.
  static StatusRuntimeException of(Throwable cause, String id) {
    return switch (cause) {
      case StatusRuntimeException status -> status;
      case Rejection rejection -> of(rejection);
      case JobFailedException failed -> of(failed.failure(), id);
      case AdapterException refused -> of(refused.refusal(), "");
      case InvalidUploadException upload -> invalid(upload.field(), upload.description());
      case StateException state -> of(state);
      case TrainingException training -> of(training.refusal());
      case DataException data -> of(data.refusal(), "data");
      case InvalidSettingException setting -> of(setting);
      case SourceException source -> of(source.refusal());
      case AccountsException accounts -> of(accounts);
      case LedgerBusy busy -> exhausted(String.valueOf(busy.getMessage()), RETRY);
      case LedgerBroken broken -> ledgerBroken(broken);
      case CompletionException completion when completion.getCause() != null ->
          of(completion.getCause(), id);
      case CancellationException cancelled -> build(Code.CANCELLED, "the call was cancelled");
      default -> internal(cause, id);
    };
  }

  /// Answers that could not be recorded are not given.
  private static StatusRuntimeException ledgerBroken(LedgerBroken broken) {
    return unavailable(
        "the ledger can't be written, so no answers are given until the server is started anew: "
            + broken.getMessage());
  }

  private static StatusRuntimeException of(AccountsException refused) {
    return switch (refused.reason()) {
      case AccountsException.Unavailable unavailable -> {
        log.error("the accounts can't be used", refused);
        yield unavailable("the server's accounts can't be used at the moment");
      }
      case AccountsException.Refused no -> precondition("ACCOUNTS", "", no.message());
    };
  }

  /// A generation whose record was erased.
  static StatusRuntimeException erased(String generation) {
    return precondition(
        "RECEIPT_ERASED",
        generation,
        "the record of generation " + generation + " was erased, so nothing of it can be shown");
  }

  static StatusRuntimeException of(Rejection rejection) {
    return switch (rejection) {
      case Rejection.InvalidField field -> invalid(field.field(), field.description());
      case Rejection.PromptTooLong prompt ->
          invalid(
              "input", "has " + prompt.tokens() + " tokens, must have at most " + prompt.limit());
      case Rejection.QueueFull full -> exhausted("as many requests wait as may", full.retryAfter());
      case Rejection.ShareFull share ->
          quota(
              share.tenant(),
              "server_queue",
              "has as many requests waiting as the server lets one tenant have",
              share.retryAfter());
      case Rejection.Draining draining -> unavailable(SHUTTING_DOWN);
    };
  }

  /// Runs `work`; whatever it refuses is told of the adapter as the caller named it.
  static <T> T named(String adapter, Supplier<T> work) {
    try {
      return work.get();
    } catch (AdapterException e) {
      throw of(e.refusal(), adapter);
    }
  }

  /// What the state refused. Names are as the caller gave them.
  static StatusRuntimeException of(StateException refused) {
    return switch (refused.reason()) {
      case StateException.NotFound missing -> notFound(missing.kind(), missing.name());
      case StateException.AlreadyExists there -> exists(there.kind(), there.name());
      case StateException.WasThere gone ->
          precondition("NAME_WAS_USED", gone.name(), gone.message());
      case StateException.EtagMismatch changed -> stale(changed.message());
      case StateException.InUse used -> precondition("IN_USE", used.name(), used.message());
      case StateException.OverQuota over -> overQuota(over.quota(), over.message());
      case StateException.Corrupt corrupt -> {
        log.error("the state is corrupt", refused);
        yield build(
            Code.DATA_LOSS, "the server's state is corrupt", info("STATE_CORRUPT", Map.of()));
      }
      case StateException.Unavailable unavailable -> {
        log.error("the state can't be used", refused);
        yield unavailable("the server's state can't be used at the moment");
      }
    };
  }

  private static StatusRuntimeException overQuota(String quota, String message) {
    return build(
        Code.RESOURCE_EXHAUSTED,
        message,
        QuotaFailure.newBuilder()
            .addViolations(
                QuotaFailure.Violation.newBuilder()
                    .setSubject("quota:" + quota)
                    .setQuotaId(quota)
                    .setDescription(message))
            .build());
  }

  static StatusRuntimeException of(Failure failure, String id) {
    return switch (failure) {
      case Failure.Cancelled() -> build(Code.CANCELLED, "the call was cancelled");
      case Failure.DeadlineExceeded() ->
          build(Code.DEADLINE_EXCEEDED, "the deadline passed before the answer was complete");
      case Failure.Draining() -> unavailable(SHUTTING_DOWN);
      case Failure.Internal(Throwable cause) -> internal(cause, id);
    };
  }

  /// @param adapter as the caller named it; empty where no single one was asked for
  static StatusRuntimeException of(AdapterRefusal refusal, String adapter) {
    String message = (adapter.isEmpty() ? "" : "adapter \"" + adapter + "\": ") + refusal.message();
    return switch (refusal) {
      case AdapterRefusal.NotFound missing -> notFound("adapter", adapter);
      case AdapterRefusal.NoSuchVersion version ->
          precondition("ADAPTER_VERSION", version.asked(), message);
      case AdapterRefusal.WrongBase base -> precondition("ADAPTER_BASE", base.stated(), message);
      case AdapterRefusal.Unsupported part ->
          precondition("ADAPTER_FEATURE", part.subject(), message);
      case AdapterRefusal.Malformed part -> precondition("ADAPTER_FORMAT", part.subject(), message);
      case AdapterRefusal.NoEffect effect -> precondition("ADAPTER_EFFECT", adapter, message);
      case AdapterRefusal.Corrupt corrupt ->
          build(
              Code.DATA_LOSS, message, info("ADAPTER_CORRUPT", Map.of("digest", corrupt.digest())));
      case AdapterRefusal.Unreadable unreadable -> unavailable(message);
      case AdapterRefusal.TooLarge large ->
          build(
              Code.RESOURCE_EXHAUSTED,
              message,
              QuotaFailure.newBuilder()
                  .addViolations(
                      QuotaFailure.Violation.newBuilder()
                          .setSubject("adapter:" + adapter)
                          .setDescription(clip(large.message())))
                  .build());
      case AdapterRefusal.Busy busy -> exhausted(busy.message(), RETRY);
      case AdapterRefusal.Quarantined quarantined ->
          build(Code.DATA_LOSS, message, info("ADAPTER_QUARANTINED", Map.of()));
      case AdapterRefusal.Linked linked -> precondition("ADAPTER_LINKED", adapter, message);
      case AdapterRefusal.ReadOnly readOnly ->
          build(Code.PERMISSION_DENIED, message, info("ADAPTER_READ_ONLY", Map.of()));
      case AdapterRefusal.NoSuchUpload upload -> notFound("upload", upload.id());
      case AdapterRefusal.OverQuota over -> overQuota(over.quota(), over.message());
      case AdapterRefusal.Manifest manifest ->
          precondition("ADAPTER_MANIFEST", manifest.digest(), message);
      case AdapterRefusal.NoSource source ->
          precondition("ADAPTER_SOURCE", source.source(), message);
      case AdapterRefusal.Unstorable unstorable -> unavailable(message);
    };
  }

  /// A conversation that the chat template at `field` does not render.
  static StatusRuntimeException of(TemplateException refused, String field) {
    return invalid(field, String.valueOf(refused.getMessage()));
  }

  static StatusRuntimeException invalid(String field, String description) {
    return invalid(List.of(new Violation(field, description)));
  }

  /// @param violations at least one; the first [#MAX_VIOLATIONS] are told
  static StatusRuntimeException invalid(List<Violation> violations) {
    BadRequest.Builder details = BadRequest.newBuilder();
    violations.stream()
        .limit(MAX_VIOLATIONS)
        .forEach(
            violation ->
                details.addFieldViolations(
                    BadRequest.FieldViolation.newBuilder()
                        .setField(clip(violation.field()))
                        .setDescription(clip(violation.description()))));
    Violation first = violations.getFirst();
    return build(
        Code.INVALID_ARGUMENT, first.field() + ": " + first.description(), details.build());
  }

  /// Bytes that are no message.
  static StatusRuntimeException malformed() {
    return build(
        Code.INVALID_ARGUMENT,
        "the request is not a well-formed message",
        BadRequest.newBuilder()
            .addFieldViolations(
                BadRequest.FieldViolation.newBuilder()
                    .setDescription("is not well-formed protobuf"))
            .build());
  }

  /// Unknown or not the caller's: the two are told apart nowhere.
  static StatusRuntimeException notFound(String type, String name) {
    return build(
        Code.NOT_FOUND,
        "there is no " + type + " \"" + name + "\"",
        ResourceInfo.newBuilder().setResourceType(type).setResourceName(clip(name)).build());
  }

  static StatusRuntimeException seen(String requestId, String generationId) {
    return build(
        Code.ALREADY_EXISTS,
        "request_id \"" + requestId + "\" was used by generation " + generationId,
        info("REQUEST_ID_SEEN", Map.of("generation_id", generationId)));
  }

  /// A request id that started a run.
  static StatusRuntimeException started(String requestId, String runId) {
    return build(
        Code.ALREADY_EXISTS,
        "request_id \"" + requestId + "\" started run " + runId,
        info("REQUEST_ID_SEEN", Map.of("run_id", runId)));
  }

  /// Data that cannot be trained on.
  ///
  /// @param field that it came in
  static StatusRuntimeException of(DataRefusal refusal, String field) {
    return switch (refusal) {
      case DataRefusal.Malformed malformed ->
          invalid(
              malformed.problems().stream()
                  .map(problem -> new Violation(field, problem.message()))
                  .toList());
      case DataRefusal.TooMuch tooMuch -> invalid(field, tooMuch.message());
      case DataRefusal.NoExamples none -> invalid(field, none.message());
    };
  }

  static StatusRuntimeException of(InvalidSettingException setting) {
    return invalid("settings." + setting.field(), setting.reason());
  }

  static StatusRuntimeException of(TrainingRefusal refusal) {
    String message = refusal.message();
    return switch (refusal) {
      case TrainingRefusal.Unable unable -> precondition("TRAINING_DEVICE", "", message);
      case TrainingRefusal.NotKept missing ->
          precondition("EXAMPLES_NOT_KEPT", missing.what(), message);
      case TrainingRefusal.NoManifest missing -> notFound("manifest", missing.digest());
      case TrainingRefusal.Withdrawn withdrawn ->
          precondition("CONTRIBUTION_WITHDRAWN", withdrawn.manifest(), message);
      case TrainingRefusal.NotTrainedHere version ->
          precondition("NOT_TRAINED_HERE", version.asked(), message);
      case TrainingRefusal.Past past -> precondition("RUN_PAST", past.run().id(), message);
    };
  }

  /// A source that the base cannot be measured against.
  private static StatusRuntimeException of(SourceRefusal refusal) {
    String message = refusal.message();
    return switch (refusal) {
      case SourceRefusal.NoRoot none -> precondition("IMPORT_ROOT", "", message);
      case SourceRefusal.NotThere missing -> precondition("MODEL_SOURCE", missing.path(), message);
      case SourceRefusal.Unusable model -> precondition("MODEL_FORMAT", model.path(), message);
      case SourceRefusal.Different model -> precondition("MODEL_DIFFERENT", model.what(), message);
      case SourceRefusal.NoDevice device -> precondition("DEVICE", "", message);
      case SourceRefusal.NoMemory memory -> precondition("MEMORY", "", message);
      case SourceRefusal.Busy busy -> exhausted(message, RETRY);
    };
  }

  /// Files of a run that can't be written or read.
  static StatusRuntimeException unstorable(IOException cause) {
    log.error("files of a run can't be stored or read", cause);
    return unavailable("the examples can't be stored or erased at the moment; ask again");
  }

  /// @param type machine-readable, such as `ADAPTER_BASE`
  /// @param subject the key, tensor, version or file A version that can't have an index.
  static StatusRuntimeException notIndexed(VersionRecord version, Indexing.Reason reason) {
    return precondition(
        "INDEX_" + reason.name(),
        version.adapter().toString(),
        "version %d of %s %s".formatted(version.number(), version.adapter(), reason.text()));
  }

  static StatusRuntimeException precondition(String type, String subject, String message) {
    return build(
        Code.FAILED_PRECONDITION,
        message,
        PreconditionFailure.newBuilder()
            .addViolations(
                PreconditionFailure.Violation.newBuilder()
                    .setType(type)
                    .setSubject(clip(subject))
                    .setDescription(clip(message)))
            .build());
  }

  static StatusRuntimeException exhausted(String message, java.time.Duration retry) {
    return build(Code.RESOURCE_EXHAUSTED, message, retry(retry));
  }

  /// @param quota its name, as `Quota` of the contract has it where it is one of those
  /// @param description what is used up, to be read after the tenant's name
  static StatusRuntimeException quota(
      String tenant, String quota, String description, java.time.Duration retry) {
    return build(
        Code.RESOURCE_EXHAUSTED,
        "tenant \"" + tenant + "\" " + description,
        QuotaFailure.newBuilder()
            .addViolations(
                QuotaFailure.Violation.newBuilder()
                    .setSubject("tenant:" + tenant)
                    .setQuotaId(quota)
                    .setDescription(clip(description)))
            .build(),
        retry(retry));
  }

  static StatusRuntimeException keyMissing() {
    return build(
        Code.UNAUTHENTICATED,
        "a key is needed: send the header \"authorization: Bearer KEY\"",
        info("KEY_MISSING", Map.of()));
  }

  /// Unknown, malformed, revoked or expired: the one who has lost it learns no more than the one
  /// who guesses.
  static StatusRuntimeException keyInvalid() {
    return build(
        Code.UNAUTHENTICATED, "the key or token is not valid", info("KEY_INVALID", Map.of()));
  }

  /// @param who may call it, such as `OWNER or ADMIN`
  static StatusRuntimeException denied(String method, String who) {
    return build(
        Code.PERMISSION_DENIED,
        "the key's role may not call " + method + "; " + who + " may",
        info("ROLE_LACKS_METHOD", Map.of("method", method)));
  }

  /// @param message which etag is the stored one is not told: to have it is to have read the rest
  static StatusRuntimeException stale(String message) {
    return build(Code.ABORTED, message, info("ETAG_MISMATCH", Map.of()));
  }

  static StatusRuntimeException exists(String type, String name) {
    return build(
        Code.ALREADY_EXISTS,
        "there is a " + type + " \"" + name + "\" already",
        ResourceInfo.newBuilder().setResourceType(type).setResourceName(clip(name)).build());
  }

  static StatusRuntimeException unavailable(String message) {
    return build(Code.UNAVAILABLE, message, retry(RETRY));
  }

  /// A field that the contract knows and this server does not serve.
  static StatusRuntimeException unbuiltField(String field) {
    return build(
        Code.UNIMPLEMENTED,
        field + " is not served by this server",
        info("FIELD_NOT_BUILT", Map.of("field", field)));
  }

  /// A method that the contract knows and this server does not serve.
  static StatusRuntimeException unbuiltMethod(String method) {
    return build(
        Code.UNIMPLEMENTED,
        method + " is not served by this server",
        info("METHOD_NOT_BUILT", Map.of("method", method)));
  }

  static StatusRuntimeException notRead(java.time.Duration idle) {
    return build(
        Code.DEADLINE_EXCEEDED,
        "the stream was not read for " + idle.toSeconds() + " s",
        info(STREAM_IDLE, Map.of()));
  }

  static StatusRuntimeException notSent(java.time.Duration idle) {
    return build(
        Code.DEADLINE_EXCEEDED,
        "the stream brought nothing for " + idle.toSeconds() + " s",
        info(STREAM_IDLE, Map.of()));
  }

  /// Whether it is a status of [#notRead].
  static boolean isNotRead(Throwable thrown) {
    return thrown instanceof StatusRuntimeException status
        && reason(status.getStatus(), metadata(status)).equals(STREAM_IDLE);
  }

  private static Metadata metadata(StatusRuntimeException status) {
    Metadata trailers = status.getTrailers();
    return trailers == null ? new Metadata() : trailers;
  }

  /// A watcher who does not keep up.
  static StatusRuntimeException behind(int changes) {
    return exhausted("more than " + changes + " changes wait for this watcher; watch anew", RETRY);
  }

  /// @param what is for administrators alone
  static StatusRuntimeException administratorsOnly(String what) {
    return build(
        Code.PERMISSION_DENIED,
        "only an administrator may do this: " + what,
        info("ADMINISTRATORS_ONLY", Map.of()));
  }

  /// Why a call ended, in a word of a fixed set, for metrics: what its details say, else its code.
  static String reason(io.grpc.Status status, Metadata trailers) {
    com.google.rpc.Status full = StatusProto.fromStatusAndTrailers(status, trailers);
    for (Any detail : full.getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class).getReason();
        }
        if (detail.is(PreconditionFailure.class)) {
          return detail.unpack(PreconditionFailure.class).getViolations(0).getType();
        }
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException("a detail that this server made itself", e);
      }
    }
    return status.getCode().name();
  }

  private static StatusRuntimeException internal(Throwable cause, String id) {
    log.error("call {} failed", id, cause);
    return build(
        Code.INTERNAL,
        "internal error, logged as " + id,
        info("INTERNAL", id.isEmpty() ? Map.of() : Map.of("id", id)));
  }

  private static RetryInfo retry(java.time.Duration delay) {
    return RetryInfo.newBuilder()
        .setRetryDelay(
            Duration.newBuilder().setSeconds(delay.getSeconds()).setNanos(delay.getNano()))
        .build();
  }

  private static ErrorInfo info(String reason, Map<String, String> metadata) {
    return ErrorInfo.newBuilder()
        .setReason(reason)
        .setDomain(DOMAIN)
        .putAllMetadata(metadata)
        .build();
  }

  private static StatusRuntimeException build(Code code, String message, Message... details) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(code.getNumber()).setMessage(clip(message));
    for (Message detail : details) {
      status.addDetails(Any.pack(detail));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  private static String clip(String text) {
    if (text.length() <= MAX_TEXT) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(MAX_TEXT - 1)) ? MAX_TEXT - 1 : MAX_TEXT;
    return text.substring(0, end) + "...";
  }
}
