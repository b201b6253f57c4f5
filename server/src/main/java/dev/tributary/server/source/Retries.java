package dev.tributary.server.source;

import java.io.IOException;
import java.time.Duration;

/// Tries what fails for reasons that pass, such as a cut connection, a bounded number of times.
final class Retries {
  static final int ATTEMPTS = 4;

  private final Sleeper sleeper;
  private final Progress progress;

  interface Sleeper {
    void sleep(Duration duration) throws InterruptedException;
  }

  interface Action<T> {
    /// @throws IOException if another attempt may succeed; [SourceException] if none will
    T run() throws IOException, InterruptedException;
  }

  Retries(Sleeper sleeper, Progress progress) {
    this.sleeper = sleeper;
    this.progress = progress;
  }

  /// @param what names the action in messages
  /// @throws SourceException when the last attempt has failed
  <T> T run(String what, Action<T> action) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        return action.run();
      } catch (IOException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException("while downloading " + what);
        }
        String reason = what + ": " + SourceException.reason(e);
        if (attempt == ATTEMPTS) {
          throw new SourceException(reason + " (" + ATTEMPTS + " attempts)", e);
        }
        Duration pause = Duration.ofSeconds(1L << (attempt - 1));
        progress.line(reason + "; trying again in " + pause.toSeconds() + " s");
        sleeper.sleep(pause);
      }
    }
  }
}
