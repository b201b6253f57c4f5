package dev.tributary.server.train;

import java.util.List;

/// What is trained on.
///
/// @param examples in the order of the file
/// @param report what became of the file's lines
public record Dataset(List<Example> examples, DataReport report) {
  public Dataset {
    examples = List.copyOf(examples);
  }
}
