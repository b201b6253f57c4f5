package dev.tributary.server.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// llama.cpp in a Python process that measures what it is told, one line at a time
/// (`.ci/peers/llamacpp.py --serve`). Between two measures it waits and takes no processor.
final class PeerProcess implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int KEPT = 30;

  private static final String NEEDS =
      "it needs a Python with llama-cpp-python 0.3.36, gguf, safetensors and torch; name it by"
          + " --python";

  private final Process process;
  private final BufferedReader answers;
  private final BufferedWriter orders;
  private final List<String> errors = new ArrayList<>();
  private final Thread errorReader;
  private final JsonNode facts;

  /// Starts it, and returns once it has its model.
  PeerProcess(String python, Path script, Path model, Path adapter, int threads)
      throws IOException {
    try {
      process =
          new ProcessBuilder(
                  python,
                  script.toString(),
                  model.toString(),
                  adapter.toString(),
                  "--threads=" + threads,
                  "--repeat=1",
                  "--serve")
              .start();
    } catch (IOException e) {
      throw new IOException("cannot run \"" + python + "\": " + NEEDS, e);
    }
    answers = process.inputReader(StandardCharsets.UTF_8);
    orders = process.outputWriter(StandardCharsets.UTF_8);
    errorReader = Thread.ofPlatform().daemon().name("peer-errors").start(this::followErrors);
    facts = read();
  }

  /// What it says of itself: binding, version of the base, features, answers.
  JsonNode facts() {
    return facts;
  }

  /// Tokens a second.
  ///
  /// @param order such as `decode 8 one` or `prefill 512 none`
  double measure(String order) throws IOException {
    orders.write(order + "\n");
    orders.flush();
    return read().asDouble();
  }

  private JsonNode read() throws IOException {
    String line = answers.readLine();
    if (line != null) {
      return JSON.readTree(line);
    }
    try {
      errorReader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (errors) {
      String last = errors.isEmpty() ? "it said nothing" : errors.getLast();
      String hint = last.contains("No module named") ? ": " + NEEDS : "";
      throw new IOException("the llama.cpp peer ended: " + last + hint);
    }
  }

  private void followErrors() {
    try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        synchronized (errors) {
          errors.add(line);
          if (errors.size() > KEPT) {
            errors.removeFirst();
          }
        }
      }
    } catch (IOException e) {
      synchronized (errors) {
        errors.add(e.toString());
      }
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
