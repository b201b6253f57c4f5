package dev.tributary.server.train;

/// Why a line of `contributions.jsonl` is no training example.
public sealed interface LineProblem {
  /// Number of the line, from 1.
  long line();

  /// What is wrong, without the line's number.
  String reason();

  /// For the caller.
  default String message() {
    return "line " + line() + ": " + reason();
  }

  /// @param limit in bytes
  record TooLongLine(long line, int limit) implements LineProblem {
    @Override
    public String reason() {
      return "has more than " + limit + " bytes";
    }
  }

  /// @param column of the first byte that is wrong, from 1
  record NotUtf8(long line, int column) implements LineProblem {
    @Override
    public String reason() {
      return "is not UTF-8 at byte " + column;
    }
  }

  /// @param detail what the parser says
  record NotJson(long line, String detail) implements LineProblem {
    @Override
    public String reason() {
      return "is not strict JSON: " + detail;
    }
  }

  /// Another form than `{"contributor", "messages": [{"role", "content"}...]}`.
  ///
  /// @param detail which part, and how
  record WrongForm(long line, String detail) implements LineProblem {
    @Override
    public String reason() {
      return detail;
    }
  }

  /// Nobody is named whose data this is.
  record NoContributor(long line) implements LineProblem {
    @Override
    public String reason() {
      return "names no contributor";
    }
  }

  /// @param turn index of the message, from 1
  record EmptyTurn(long line, int turn) implements LineProblem {
    @Override
    public String reason() {
      return "message " + turn + " is empty";
    }
  }

  /// @param turn index of the message, from 1
  record UnknownRole(long line, int turn, String role) implements LineProblem {
    @Override
    public String reason() {
      return "message %d has role \"%s\"; known are %s"
          .formatted(turn, role, String.join(", ", LineParser.ROLES));
    }
  }

  /// There is nothing to learn: the last message is not the assistant's, or it is the only one.
  record NoAnswer(long line) implements LineProblem {
    @Override
    public String reason() {
      return "does not end in an answer of the assistant to something";
    }
  }

  /// @param detail what the chat template, or the tokenizer, says
  record NotRendered(long line, String detail) implements LineProblem {
    @Override
    public String reason() {
      return "the chat template refuses it: " + detail;
    }
  }

  /// @param tokens it has at least
  /// @param limit tokens
  record TooManyTokens(long line, int tokens, int limit) implements LineProblem {
    @Override
    public String reason() {
      return "has " + tokens + " tokens or more, the limit is " + limit;
    }
  }
}
