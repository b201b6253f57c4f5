package dev.tributary.client.cli;

import com.google.protobuf.ListValue;
import com.google.protobuf.Message;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.tributary.client.TributaryException;
import dev.tributary.client.UnmetException;
import dev.tributary.identity.PeftConfigException;
import dev.tributary.identity.SafetensorsException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A failure in one line: what went wrong, and what to do about it.
///
/// @param code the gRPC status code's name, or `LOCAL`
/// @param message what went wrong
/// @param details more of it; may be empty
/// @param advice what to do; empty where nothing is known
record Complaint(String code, String message, List<String> details, Optional<String> advice) {
  private static final String LOCAL = "LOCAL";

  /// What a command threw, if it is a failure that is not a bug of ours.
  static Optional<Complaint> of(Throwable failure, Endpoint asked) {
    return switch (failure) {
      case TributaryException e -> Optional.of(ofCall(e, asked));
      case UnmetException e -> Optional.of(local(String.valueOf(e.getMessage())));
      case NotDirectoryException e -> Optional.of(local(reason(e) + " is not a folder"));
      case NoSuchFileException e -> Optional.of(local("there is no file " + reason(e)));
      case AccessDeniedException e -> Optional.of(local("may not read " + reason(e)));
      case IOException e -> Optional.of(local(String.valueOf(e.getMessage())));
      case PeftConfigException e -> Optional.of(local(String.valueOf(e.getMessage())));
      case SafetensorsException e ->
          Optional.of(local("not a sound safetensors file: " + e.getMessage()));
      default -> Optional.empty();
    };
  }

  /// One line for people.
  String line() {
    StringBuilder line = new StringBuilder("tributary: ").append(message);
    details.stream()
        .filter(detail -> !isSaid(detail))
        .forEach(detail -> line.append("; ").append(detail));
    advice.ifPresent(text -> line.append(". ").append(text));
    return line.toString().replace('\n', ' ');
  }

  /// Whether the message says it already; a detail is `subject: text`.
  private boolean isSaid(String detail) {
    return Arrays.stream(detail.split(": ", 2)).allMatch(message::contains);
  }

  /// One object for machines.
  Message json() {
    ListValue.Builder list = ListValue.newBuilder();
    details.forEach(detail -> list.addValues(text(detail)));
    Struct.Builder error =
        Struct.newBuilder()
            .putFields("code", text(code))
            .putFields("message", text(message))
            .putFields("details", Value.newBuilder().setListValue(list).build());
    advice.ifPresent(a -> error.putFields("advice", text(a)));
    return Struct.newBuilder()
        .putFields("error", Value.newBuilder().setStructValue(error).build())
        .build();
  }

  private static Complaint ofCall(TributaryException e, Endpoint asked) {
    String message =
        e.isUnreachable()
            ? "no server answers at " + asked.address()
            : String.valueOf(e.getMessage());
    return new Complaint(
        e.code().name(), message, e.isUnreachable() ? List.of() : e.details(), advice(e, asked));
  }

  private static Optional<String> advice(TributaryException e, Endpoint asked) {
    if (e.isUnreachable()) {
      return Optional.of(
          "Start one with `mvn -Prun`, or name another with " + asked.flag() + " HOST:PORT");
    }
    if (e.retryDelay().isPresent()) {
      long milliseconds = Math.max(100, e.retryDelay().get().toMillis());
      return Optional.of("Try again in %.1f s".formatted(milliseconds / 1e3));
    }
    return switch (e.code()) {
      case NOT_FOUND -> Optional.of("`" + asked.listing() + "` shows what there is");
      case UNAUTHENTICATED -> Optional.of(asked.keyAdvice());
      case PERMISSION_DENIED -> Optional.of("The key's role does not allow this");
      case UNIMPLEMENTED -> Optional.of("This server has not built that yet");
      case ABORTED -> Optional.of("Somebody else changed it at the same time; look and repeat");
      case DEADLINE_EXCEEDED ->
          Optional.of("It may still go on; where there is --timeout SECONDS, that waits longer");
      default -> Optional.empty();
    };
  }

  private static Complaint local(String message) {
    return new Complaint(LOCAL, message, List.of(), Optional.empty());
  }

  private static String reason(FileSystemException e) {
    return e.getReason() == null ? e.getFile() : e.getFile() + " (" + e.getReason() + ")";
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }
}
