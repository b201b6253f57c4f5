package dev.tributary.server.train;

import dev.tributary.server.state.RunRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// A run at one moment.
///
/// @param queuedBefore runs that are before it; 0 unless it waits
/// @param result null unless it succeeded and a version came out
public record RunView(
    RunRecord run,
    RunSettings settings,
    RunData data,
    RunProgress progress,
    int queuedBefore,
    @Nullable RunResult result) {

  /// As it is stored, without what is known of it while it runs.
  static RunView of(RunRecord run) {
    return of(run, progress(run), 0);
  }

  static RunView of(RunRecord run, RunProgress progress, int queuedBefore) {
    return new RunView(
        run,
        settings(run),
        read(run.data(), RunData.class),
        progress,
        queuedBefore,
        run.result().isEmpty() ? null : read(run.result(), RunResult.class));
  }

  static RunSettings settings(RunRecord run) {
    return read(run.settings(), RunSettings.class);
  }

  private static RunProgress progress(RunRecord run) {
    return run.progress().isEmpty() ? RunProgress.NONE : read(run.progress(), RunProgress.class);
  }

  static String text(Object value) {
    return new String(Json.bytes(value), StandardCharsets.UTF_8);
  }

  private static <T> T read(String json, Class<T> type) {
    try {
      return Json.read(json.getBytes(StandardCharsets.UTF_8), type);
    } catch (IOException e) {
      throw new UncheckedIOException("the state has a run that cannot be read", e);
    }
  }
}
