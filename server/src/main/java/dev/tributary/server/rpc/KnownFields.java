package dev.tributary.server.rpc;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// Refuses requests with fields or enum values that this server's contract does not have, at any
/// depth: what a client asks for is never silently left out.
final class KnownFields implements ServerInterceptor {
  /// A request may have millions of them; the first few tell the caller enough.
  private static final int MAX_VIOLATIONS = 16;

  @Override
  public <ReqT, RespT> ServerCall.Listener<ReqT> interceptCall(
      ServerCall<ReqT, RespT> call, Metadata headers, ServerCallHandler<ReqT, RespT> next) {
    return new RefusableListener<>(call, next.startCall(call, headers)) {
      @Override
      void check(ReqT message) {
        List<Statuses.Violation> violations = violations((Message) message);
        if (!violations.isEmpty()) {
          throw Statuses.invalid(violations);
        }
        pass(message);
      }
    };
  }

  /// What `request` has beyond the contract, by path; a field without a name is told by number.
  static List<Statuses.Violation> violations(Message request) {
    List<Statuses.Violation> found = new ArrayList<>();
    collect(request, "", found);
    return found;
  }

  /// Recursion is bounded by the parser, which takes 100 levels.
  private static void collect(Message message, String path, List<Statuses.Violation> found) {
    for (int number : new TreeSet<>(message.getUnknownFields().asMap().keySet())) {
      add(found, join(path, String.valueOf(number)), "unknown field number " + number);
    }
    for (Map.Entry<FieldDescriptor, Object> entry : message.getAllFields().entrySet()) {
      if (found.size() >= MAX_VIOLATIONS) {
        return;
      }
      FieldDescriptor field = entry.getKey();
      String at = join(path, field.getName());
      switch (field.getJavaType()) {
        case MESSAGE, ENUM -> {
          if (!field.isRepeated()) {
            collectValue(entry.getValue(), at, found);
          } else {
            collectAll((List<?>) entry.getValue(), at, found);
          }
        }
        case INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING, BYTE_STRING -> {}
      }
    }
  }

  private static void collectAll(List<?> values, String path, List<Statuses.Violation> found) {
    for (int i = 0; i < values.size() && found.size() < MAX_VIOLATIONS; i++) {
      Object key = values.get(i) instanceof MapEntry<?, ?> entry ? entry.getKey() : i;
      collectValue(values.get(i), path + "[" + key + "]", found);
    }
  }

  private static void collectValue(Object value, String path, List<Statuses.Violation> found) {
    if (value instanceof Message message) {
      collect(message, path, found);
    } else if (value instanceof EnumValueDescriptor known && known.getIndex() < 0) {
      add(found, path, "unknown value " + known.getNumber() + " of " + known.getType().getName());
    }
  }

  private static void add(List<Statuses.Violation> found, String path, String description) {
    if (found.size() < MAX_VIOLATIONS) {
      found.add(new Statuses.Violation(path, description));
    }
  }

  private static String join(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
