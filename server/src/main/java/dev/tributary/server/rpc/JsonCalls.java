package dev.tributary.server.rpc;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.server.tokenize.Tokenizer;
import dev.tributary.v1.AdaptersGrpc;
import dev.tributary.v1.GetModelRequest;
import dev.tributary.v1.InferenceGrpc;
import dev.tributary.v1.Model;
import dev.tributary.v1.ProvenanceGrpc;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Calls for readers who speak HTTP and JSON. Only methods that read are among them, and each goes
/// over an in-process transport through the same interceptors and handler as a call at the port:
/// who may see what is decided there alone. Thread safe.
public final class JsonCalls implements AutoCloseable {
  /// Ids that [#tokens] takes at once.
  static final int MAX_TOKENS = 512;

  /// Below the time that the web port gives an answer.
  private static final Duration DEADLINE = Duration.ofSeconds(8);

  /// Most bytes of a response: a receipt of 16 MiB in base64, and its summary.
  private static final int MAX_BYTES = 32 << 20;

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private static final String PACKAGE = "tributary.v1.";

  private static final Map<String, MethodDescriptor<?, ?>> METHODS =
      Stream.of(
              InferenceGrpc.getGetModelMethod(),
              AdaptersGrpc.getListAdaptersMethod(),
              AdaptersGrpc.getListVersionsMethod(),
              ProvenanceGrpc.getListReceiptsMethod(),
              ProvenanceGrpc.getGetReceiptMethod(),
              ProvenanceGrpc.getGetStatementMethod(),
              ProvenanceGrpc.getGetCheckpointMethod())
          .collect(
              Collectors.toUnmodifiableMap(
                  method -> method.getFullMethodName().substring(PACKAGE.length()),
                  Function.identity()));

  private final Tokenizer tokenizer;
  private final Server server;
  private final ManagedChannel channel;

  /// What came of a call.
  ///
  /// @param status of HTTP, by the table of google.rpc.Code
  /// @param json the response, or `code` and `message` of what refused it; in UTF-8
  public record Reply(int status, byte[] json) {}

  private JsonCalls(Tokenizer tokenizer, Server server, ManagedChannel channel) {
    this.tokenizer = tokenizer;
    this.server = server;
    this.channel = channel;
  }

  /// @param services with their interceptors
  static JsonCalls over(List<ServerServiceDefinition> services, Tokenizer tokenizer)
      throws IOException {
    String name = InProcessServerBuilder.generateName();
    Server server =
        InProcessServerBuilder.forName(name)
            .addServices(services)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .build()
            .start();
    return new JsonCalls(
        tokenizer, server, InProcessChannelBuilder.forName(name).directExecutor().build());
  }

  /// Waits for the response of a method, 8 s at most.
  ///
  /// @param method such as `Provenance/ListReceipts`; another than those that it is for is
  ///   NOT_FOUND
  /// @param fields of the request by their names, those of messages within by dotted ones; values
  ///   as protobuf's JSON has them, as text
  /// @param authorization values of the header
  public Reply call(String method, Map<String, String> fields, List<String> authorization) {
    MethodDescriptor<?, ?> descriptor = METHODS.get(method);
    if (descriptor == null) {
      return refusal(Statuses.notFound("method", method).getStatus());
    }
    try {
      return reply(print(response(descriptor, fields, authorization)));
    } catch (StatusRuntimeException e) {
      return refusal(e.getStatus());
    }
  }

  /// What tokens stand for in a text: of each its bytes, or that it is none. Whoever may know which
  /// model is served may ask.
  ///
  /// @param ids decimal, with commas between them, at most [#MAX_TOKENS]
  /// @param authorization values of the header
  public Reply tokens(String ids, List<String> authorization) {
    try {
      Model model =
          call(InferenceGrpc.getGetModelMethod(), GetModelRequest.newBuilder(), authorization);
      ObjectNode told = JsonNodeFactory.instance.objectNode();
      told.put("baseDigest", model.getBaseDigest());
      var tokens = told.putArray("tokens");
      for (int id : ids(ids, model.getVocabulary())) {
        ObjectNode token = tokens.addObject().put("id", id);
        if (tokenizer.isControl(id)) {
          token.put("control", true);
        }
        token.put("bytes", tokenizer.bytes(id));
      }
      return reply(told.toString());
    } catch (StatusRuntimeException e) {
      return refusal(e.getStatus());
    }
  }

  private static int[] ids(String list, int vocabulary) {
    String[] words = list.split(",", MAX_TOKENS + 1);
    if (words.length > MAX_TOKENS) {
      throw Statuses.invalid("ids", "must be at most " + MAX_TOKENS);
    }
    try {
      int[] ids = Stream.of(words).mapToInt(Integer::parseInt).toArray();
      for (int id : ids) {
        if (id < 0 || id >= vocabulary) {
          throw Statuses.invalid("ids", "the model has no token " + id);
        }
      }
      return ids;
    } catch (NumberFormatException e) {
      throw Statuses.invalid("ids", "must be numbers with commas between them");
    }
  }

  private <Q, R> R response(
      MethodDescriptor<Q, R> method, Map<String, String> fields, List<String> authorization) {
    if (!(method.getRequestMarshaller() instanceof PrototypeMarshaller<Q> marshaller)
        || !(marshaller.getMessagePrototype() instanceof Message prototype)) {
      throw new IllegalStateException(method.getFullMethodName() + " takes no message");
    }
    Message.Builder request = prototype.newBuilderForType();
    try {
      JsonFormat.parser().merge(nested(fields).toString(), request);
    } catch (InvalidProtocolBufferException e) {
      throw Statuses.invalid("fields", String.valueOf(e.getMessage()));
    }
    return call(method, request, authorization);
  }

  /// `a.b` becomes `b` of the object `a`.
  private static ObjectNode nested(Map<String, String> fields) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    fields.forEach(
        (path, value) -> {
          ObjectNode at = root;
          String rest = path;
          for (int dot = rest.indexOf('.'); dot >= 0; dot = rest.indexOf('.')) {
            String name = rest.substring(0, dot);
            if (at.has(name) && !(at.get(name) instanceof ObjectNode)) {
              throw Statuses.invalid(name, "is given as a message and as a value");
            }
            at = at.withObjectProperty(name);
            rest = rest.substring(dot + 1);
          }
          at.put(rest, value);
        });
    return root;
  }

  private <Q, R> R call(
      MethodDescriptor<Q, R> method, Message.Builder request, List<String> authorization) {
    Metadata headers = new Metadata();
    authorization.forEach(value -> headers.put(AUTHORIZATION, printable(value)));
    @SuppressWarnings("unchecked") // The builder is of the method's own request.
    Q message = (Q) request.build();
    return ClientCalls.blockingUnaryCall(
        ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
        method,
        CallOptions.DEFAULT.withDeadlineAfter(DEADLINE.toNanos(), TimeUnit.NANOSECONDS),
        message);
  }

  /// A header of gRPC has no other characters; a key with some is none.
  private static String printable(String value) {
    if (!value.chars().allMatch(c -> c >= ' ' && c < 0x7f)) {
      throw Statuses.keyInvalid();
    }
    return value;
  }

  private static String print(Object response) {
    if (!(response instanceof Message message)) {
      throw new IllegalStateException(response.getClass() + " is no message");
    }
    try {
      return JsonFormat.printer().omittingInsignificantWhitespace().print(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a message with an Any of unknown type", e);
    }
  }

  private static Reply reply(String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    return bytes.length > MAX_BYTES
        ? refusal(
            Statuses.exhausted("the response has more than 32 MiB", Duration.ZERO).getStatus())
        : new Reply(200, bytes);
  }

  private static Reply refusal(Status status) {
    String description = status.getDescription();
    ObjectNode told =
        JsonNodeFactory.instance
            .objectNode()
            .put("code", status.getCode().name())
            .put("message", description == null ? "" : description);
    return new Reply(http(status.getCode()), told.toString().getBytes(StandardCharsets.UTF_8));
  }

  /// As google/rpc/code.proto maps them.
  private static int http(Status.Code code) {
    return switch (code) {
      case OK -> 200;
      case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE -> 400;
      case UNAUTHENTICATED -> 401;
      case PERMISSION_DENIED -> 403;
      case NOT_FOUND -> 404;
      case ALREADY_EXISTS, ABORTED -> 409;
      case RESOURCE_EXHAUSTED -> 429;
      case CANCELLED -> 499;
      case UNKNOWN, INTERNAL, DATA_LOSS -> 500;
      case UNIMPLEMENTED -> 501;
      case UNAVAILABLE -> 503;
      case DEADLINE_EXCEEDED -> 504;
    };
  }

  /// Ends every call.
  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }
}
