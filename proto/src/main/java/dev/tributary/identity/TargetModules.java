package dev.tributary.identity;

import java.util.List;
import java.util.TreeSet;

/// `target_modules`: which linear layers an adapter changes.
public sealed interface TargetModules {
  /// Whether the linear layer of this full name (`model.layers.0.self_attn.q_proj`) is one.
  boolean contains(String moduleName);

  /// A list of suffixes.
  ///
  /// @param names sorted, each once: PEFT's list is a set
  record Names(List<String> names) implements TargetModules {
    public Names {
      names = List.copyOf(new TreeSet<>(names));
    }

    @Override
    public boolean contains(String moduleName) {
      return names.stream()
          .anyMatch(name -> moduleName.equals(name) || moduleName.endsWith("." + name));
    }
  }

  /// A regular expression for the whole name.
  record Regex(ModulePattern pattern) implements TargetModules {
    @Override
    public boolean contains(String moduleName) {
      return pattern.matches(moduleName);
    }
  }

  /// `all-linear`: all of them but the output head.
  record AllLinear() implements TargetModules {
    @Override
    public boolean contains(String moduleName) {
      return !moduleName.equals("lm_head") && !moduleName.endsWith(".lm_head");
    }
  }
}
