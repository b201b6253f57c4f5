package dev.tributary.identity;

import dev.tributary.identity.ModulePatternParser.Kind;
import dev.tributary.identity.ModulePatternParser.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// A [ModulePattern] as a nondeterministic automaton: instructions that are all followed at once,
/// each at most once per character.
final class ModuleProgram {
  private static final int MAX_INSTRUCTIONS = 2_000;

  /// Bounds the work on repetitions of what has no instructions, like `((){1000}){1000}`.
  private static final int MAX_COMPILE_STEPS = 20_000;

  private static final BitSet WORDS = ModulePatternParser.words();

  private sealed interface Instruction {
    record Take(BitSet set) implements Instruction {}

    /// Go on at both places.
    record Fork(int first, int second) implements Instruction {}

    record Require(Kind kind) implements Instruction {}

    record Look(ModuleProgram body, boolean wanted) implements Instruction {}

    record Accept() implements Instruction {}
  }

  private final Instruction[] code;
  private final int size;

  private ModuleProgram(Instruction[] code, int size) {
    this.code = code;
    this.size = size;
  }

  /// @throws IllegalArgumentException if the program would be too long
  static ModuleProgram compile(Node node) {
    return new Compiler(0).compile(node);
  }

  /// Instructions, those of lookaheads included.
  int size() {
    return size;
  }

  boolean matches(String name) {
    return run(name, 0, true);
  }

  /// Whether the program accepts `text` from `from` on: all of it, or (not `whole`) some start.
  private boolean run(String text, int from, boolean whole) {
    int[] lastSeen = new int[code.length];
    Arrays.fill(lastSeen, -1);
    Places places = new Places(code.length);
    follow(0, text, from, lastSeen, places);
    for (int i = from; ; i++) {
      Places next = new Places(code.length);
      for (int p = 0; p < places.count; p++) {
        Instruction instruction = code[places.at[p]];
        if (instruction instanceof Instruction.Accept) {
          if (!whole || i == text.length()) {
            return true;
          }
        } else if (instruction instanceof Instruction.Take take
            && i < text.length()
            && take.set().get(text.charAt(i))) {
          follow(places.at[p] + 1, text, i + 1, lastSeen, next);
        }
      }
      if (next.count == 0) {
        return false;
      }
      places = next;
    }
  }

  /// Adds the taking and accepting instructions that are reached from `start` without a character.
  private void follow(int start, String text, int i, int[] lastSeen, Places places) {
    // Each instruction is expanded once per character and pushes at most two.
    Places open = new Places(2 * code.length + 1);
    open.add(start);
    while (open.count > 0) {
      int at = open.at[--open.count];
      if (lastSeen[at] == i) {
        continue;
      }
      lastSeen[at] = i;
      switch (code[at]) {
        case Instruction.Fork(int first, int second) -> {
          open.add(first);
          open.add(second);
        }
        case Instruction.Require(Kind kind) -> {
          if (holds(kind, text, i)) {
            open.add(at + 1);
          }
        }
        case Instruction.Look(ModuleProgram body, boolean wanted) -> {
          if (body.run(text, i, false) == wanted) {
            open.add(at + 1);
          }
        }
        case Instruction.Take take -> places.add(at);
        case Instruction.Accept accept -> places.add(at);
      }
    }
  }

  private static boolean holds(Kind kind, String text, int i) {
    boolean boundary =
        (i > 0 && WORDS.get(text.charAt(i - 1)))
            != (i < text.length() && WORDS.get(text.charAt(i)));
    return switch (kind) {
      case START -> i == 0;
      case END -> i == text.length();
      case WORD_BOUNDARY -> boundary;
      case NO_WORD_BOUNDARY -> !boundary;
    };
  }

  /// A list of instruction indices with a fixed capacity.
  private static final class Places {
    final int[] at;
    int count;

    Places(int capacity) {
      at = new int[capacity];
    }

    void add(int index) {
      at[count++] = index;
    }
  }

  private static final class Compiler {
    private final List<Instruction> code = new ArrayList<>();
    private int lookaheadSize;
    private int steps;

    /// @param steps taken already, for the program around this one
    Compiler(int steps) {
      this.steps = steps;
    }

    ModuleProgram compile(Node node) {
      emit(node);
      add(new Instruction.Accept());
      return new ModuleProgram(code.toArray(Instruction[]::new), code.size() + lookaheadSize);
    }

    private void emit(Node node) {
      if (++steps > MAX_COMPILE_STEPS) {
        throw tooLong();
      }
      switch (node) {
        case Node.Chars(BitSet set) -> add(new Instruction.Take(set));
        case Node.Sequence(List<Node> parts) -> parts.forEach(this::emit);
        case Node.Assertion(Kind kind) -> add(new Instruction.Require(kind));
        case Node.Choice(List<Node> options) -> emitChoice(options);
        case Node.Repeat repeat -> emitRepeat(repeat);
        case Node.Lookahead(Node body, boolean wanted) -> {
          Compiler inner = new Compiler(steps);
          ModuleProgram program = inner.compile(body);
          steps = inner.steps;
          lookaheadSize += program.size();
          add(new Instruction.Look(program, wanted));
        }
      }
    }

    private void emitChoice(List<Node> options) {
      List<Integer> ends = new ArrayList<>();
      for (Node option : options.subList(0, options.size() - 1)) {
        int fork = reserve();
        emit(option);
        ends.add(reserve());
        code.set(fork, new Instruction.Fork(fork + 1, code.size()));
      }
      emit(options.getLast());
      ends.forEach(end -> code.set(end, jump(code.size())));
    }

    private void emitRepeat(Node.Repeat repeat) {
      for (int i = 0; i < repeat.min(); i++) {
        emit(repeat.body());
      }
      if (repeat.max() < 0) {
        int fork = reserve();
        emit(repeat.body());
        add(jump(fork));
        code.set(fork, new Instruction.Fork(fork + 1, code.size()));
        return;
      }
      List<Integer> forks = new ArrayList<>();
      for (int i = repeat.min(); i < repeat.max(); i++) {
        forks.add(reserve());
        emit(repeat.body());
      }
      forks.forEach(fork -> code.set(fork, new Instruction.Fork(fork + 1, code.size())));
    }

    /// A place whose instruction is known later.
    private int reserve() {
      add(jump(code.size() + 1));
      return code.size() - 1;
    }

    private static Instruction jump(int target) {
      return new Instruction.Fork(target, target);
    }

    private void add(Instruction instruction) {
      if (code.size() + lookaheadSize >= MAX_INSTRUCTIONS) {
        throw tooLong();
      }
      code.add(instruction);
    }

    private static IllegalArgumentException tooLong() {
      return new IllegalArgumentException(
          "its repetitions need more than " + MAX_INSTRUCTIONS + " instructions");
    }
  }
}
