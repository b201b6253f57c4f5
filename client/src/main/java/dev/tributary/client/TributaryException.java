package dev.tributary.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A call failed: the gRPC status, and what its details say.
public final class TributaryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Status.Code code;
  private final boolean unreachable;
  private final boolean reset;
  private final List<String> details = new ArrayList<>();
  private Map<String, String> info = Map.of();
  private Optional<Duration> retryDelay = Optional.empty();

  TributaryException(StatusException cause) {
    this(cause.getStatus().asRuntimeException(cause.getTrailers()));
  }

  TributaryException(StatusRuntimeException cause) {
    super(text(cause.getStatus()), cause);
    Status status = cause.getStatus();
    code = status.getCode();
    // A status that came over the wire has no cause on this side.
    unreachable = code == Status.Code.UNAVAILABLE && status.getCause() != null;
    // How gRPC's transport says that a stream ended without a status: as the last sign of a server
    // that goes down it comes as CANCELLED or INTERNAL, which servers also send on purpose.
    reset = text(status).startsWith("RST_STREAM closed stream");
    com.google.rpc.Status rich = StatusProto.fromThrowable(cause);
    if (rich != null) {
      rich.getDetailsList().forEach(this::add);
    }
  }

  /// The gRPC status code.
  public Status.Code code() {
    return code;
  }

  /// There is no connection to a server at all.
  public boolean isUnreachable() {
    return unreachable;
  }

  /// The connection broke, or the server does not take calls just now, or it is too busy and says
  /// when to come again: the same call may go well later.
  public boolean isTransient() {
    return code == Status.Code.UNAVAILABLE
        || reset
        || (code == Status.Code.RESOURCE_EXHAUSTED && retryDelay.isPresent());
  }

  /// What is wrong with which field, precondition, quota or resource, one line each; may be empty.
  public List<String> details() {
    return List.copyOf(details);
  }

  /// The metadata of ErrorInfo, such as `generation_id`; may be empty.
  public Map<String, String> info() {
    return info;
  }

  /// After which time the server suggests to try again.
  public Optional<Duration> retryDelay() {
    return retryDelay;
  }

  private static String text(Status status) {
    String description = status.getDescription();
    return description == null || description.isBlank() ? status.getCode().name() : description;
  }

  private void add(Any any) {
    try {
      if (any.is(BadRequest.class)) {
        any.unpack(BadRequest.class)
            .getFieldViolationsList()
            .forEach(v -> details.add(v.getField() + ": " + v.getDescription()));
      } else if (any.is(PreconditionFailure.class)) {
        any.unpack(PreconditionFailure.class)
            .getViolationsList()
            .forEach(v -> details.add(v.getSubject() + ": " + v.getDescription()));
      } else if (any.is(QuotaFailure.class)) {
        any.unpack(QuotaFailure.class)
            .getViolationsList()
            .forEach(v -> details.add(v.getSubject() + ": " + v.getDescription()));
      } else if (any.is(ResourceInfo.class)) {
        ResourceInfo resource = any.unpack(ResourceInfo.class);
        details.add(resource.getResourceType() + ": " + resource.getResourceName());
      } else if (any.is(ErrorInfo.class)) {
        info = Map.copyOf(any.unpack(ErrorInfo.class).getMetadataMap());
      } else if (any.is(RetryInfo.class)) {
        com.google.protobuf.Duration delay = any.unpack(RetryInfo.class).getRetryDelay();
        retryDelay = Optional.of(Duration.ofSeconds(delay.getSeconds(), delay.getNanos()));
      }
    } catch (InvalidProtocolBufferException e) {
      details.add("unreadable " + any.getTypeUrl());
    }
  }
}
