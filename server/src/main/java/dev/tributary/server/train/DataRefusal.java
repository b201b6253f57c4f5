package dev.tributary.server.train;

import java.util.List;

/// Why a file cannot be trained on. Nothing of it is.
public sealed interface DataRefusal {
  /// For the caller.
  String message();

  /// Lines that are no examples.
  ///
  /// @param problems by line, at least one
  /// @param complete whether these are all; if not, reading stopped after the last
  record Malformed(List<LineProblem> problems, boolean complete) implements DataRefusal {
    /// Lines that the message repeats.
    private static final int SAID = 5;

    public Malformed {
      problems = List.copyOf(problems);
      if (problems.isEmpty()) {
        throw new IllegalArgumentException("no problem");
      }
    }

    @Override
    public String message() {
      StringBuilder text = new StringBuilder();
      for (LineProblem problem : problems.subList(0, Math.min(SAID, problems.size()))) {
        text.append(text.isEmpty() ? "" : "; ").append(problem.message());
      }
      if (problems.size() > SAID) {
        text.append("; and ").append(problems.size() - SAID).append(" more lines");
      }
      return text.append(complete ? "" : ", where reading stopped").toString();
    }
  }

  /// More than one run takes.
  ///
  /// @param what `examples` or `tokens`
  /// @param line that goes beyond it
  record TooMuch(String what, long limit, long line) implements DataRefusal {
    @Override
    public String message() {
      return "line %d: more than %,d %s; train on fewer".formatted(line, limit, what);
    }
  }

  /// No line is left to train on.
  ///
  /// @param excluded lines that are withdrawn
  record NoExamples(long excluded) implements DataRefusal {
    @Override
    public String message() {
      return excluded == 0
          ? "there are no examples"
          : "there are no examples: all " + excluded + " are withdrawn";
    }
  }
}
