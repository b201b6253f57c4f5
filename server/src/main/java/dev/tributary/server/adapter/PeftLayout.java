package dev.tributary.server.adapter;

import dev.tributary.identity.PeftConfig;
import dev.tributary.identity.SafetensorsHeader;
import dev.tributary.identity.TargetModules;
import dev.tributary.server.model.LlamaConfig;
import dev.tributary.server.model.LoraWeights.Norm;
import dev.tributary.server.model.LoraWeights.NormSite;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Projection;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Which tensor of an adapter's file goes where in the base. It is complete both ways: every tensor
/// has its place, and every place that the configuration names has its tensor.
///
/// @param pairs the tensors of every adapted linear layer
/// @param norms replaced norm weights
/// @param head replaced output head, or null
record PeftLayout(
    Map<Site, PairTensors> pairs, Map<NormSite, Stored> norms, @Nullable Stored head) {
  /// What PEFT writes before a module's name in a causal language model.
  static final String PREFIX = "base_model.model.";

  static final String HEAD = "lm_head";
  private static final String EMBEDDING = "model.embed_tokens";
  private static final Set<String> DTYPES = Set.of("F32", "F16", "BF16");

  /// A tensor of the file.
  record Stored(String name, SafetensorsHeader.Tensor tensor) {}

  /// The tensors of one linear layer.
  ///
  /// @param a `[rank, inputs]`
  /// @param b `[outputs, rank]`
  /// @param magnitude `[outputs]`, or null without DoRA
  /// @param scaling of `B A`
  record PairTensors(Stored a, Stored b, @Nullable Stored magnitude, float scaling) {
    int rank() {
      return Math.toIntExact(a.tensor().shape().getFirst());
    }
  }

  /// Binds the tensors of `file` to the modules that `config` names in a base of shape `base`.
  ///
  /// @throws AdapterException naming the key, module or tensor that does not fit
  static PeftLayout bind(PeftConfig config, SafetensorsHeader file, LlamaConfig base) {
    return new Binding(config, file, base).bind();
  }

  /// A binding under way: tensors are taken out of `left` as they find their place.
  private static final class Binding {
    private final PeftConfig config;
    private final LlamaConfig base;
    private final Map<String, SafetensorsHeader.Tensor> left;
    private final TreeSet<String> unsaved;
    private final Map<Site, PairTensors> pairs = new LinkedHashMap<>();
    private final Map<NormSite, Stored> norms = new LinkedHashMap<>();

    Binding(PeftConfig config, SafetensorsHeader file, LlamaConfig base) {
      this.config = config;
      this.base = base;
      left = new LinkedHashMap<>(file.tensors());
      unsaved = new TreeSet<>(config.modulesToSave());
    }

    PeftLayout bind() {
      refuseTarget(HEAD);
      refuseTarget(EMBEDDING);
      refuseSaved(EMBEDDING);
      for (int layer = 0; layer < base.layers(); layer++) {
        bindBlock(layer);
      }
      bindNorm(-1, Norm.FINAL);
      Stored head = isSaved(HEAD) ? take(HEAD + ".weight", base.vocabulary(), base.hidden()) : null;
      requireAllSaved();
      if (!left.isEmpty()) {
        throw unsupported(
            left.keySet().iterator().next(),
            "the configuration and this server's base give this tensor no place");
      }
      if (pairs.isEmpty() && norms.isEmpty() && head == null) {
        throw malformed("target_modules", "names no linear layer of this server's base");
      }
      return new PeftLayout(Map.copyOf(pairs), Map.copyOf(norms), head);
    }

    private void bindBlock(int layer) {
      for (Projection projection : Projection.values()) {
        String module = projection.module(layer);
        refuseSaved(module);
        if (config.targets(module)) {
          pairs.put(new Site(layer, projection), bindPair(module, projection));
        }
      }
      bindNorm(layer, Norm.ATTENTION);
      bindNorm(layer, Norm.FEED_FORWARD);
      if (base.headNorms()) {
        bindNorm(layer, Norm.QUERY);
        bindNorm(layer, Norm.KEY);
      }
    }

    private PairTensors bindPair(String module, Projection projection) {
      int rank = config.rank(module);
      int outputs = base.outputs(projection);
      Stored a = take(module + ".lora_A.weight", rank, base.inputs(projection));
      Stored b = take(module + ".lora_B.weight", outputs, rank);
      Stored magnitude = null;
      if (config.useDora()) {
        // PEFT saves it without ".weight"; a parameter saved by its own name has it.
        String name = module + ".lora_magnitude_vector";
        boolean suffixed = left.containsKey(PREFIX + name + ".weight");
        magnitude = take(suffixed ? name + ".weight" : name, outputs);
      }
      return new PairTensors(a, b, magnitude, (float) config.scaling(module));
    }

    private void bindNorm(int layer, Norm norm) {
      NormSite site = new NormSite(layer, norm);
      String module = module(site);
      refuseTarget(module);
      if (isSaved(module)) {
        int size =
            switch (norm) {
              case ATTENTION, FEED_FORWARD, FINAL -> base.hidden();
              case QUERY, KEY -> base.attention().headDim();
            };
        norms.put(site, take(module + ".weight", size));
      }
    }

    /// Whether `modules_to_save` names the module; notes by which of its entries.
    private boolean isSaved(String module) {
      unsaved.removeIf(module::endsWith);
      return config.saves(module);
    }

    private void requireAllSaved() {
      if (!unsaved.isEmpty()) {
        throw unsupported(
            "modules_to_save",
            "\"" + unsaved.first() + "\" is no norm or output head of this server's base");
      }
    }

    /// Takes the tensor `PREFIX + name`, which must have this shape.
    private Stored take(String name, long... shape) {
      String full = PREFIX + name;
      SafetensorsHeader.Tensor tensor = left.remove(full);
      if (tensor == null) {
        throw malformed(full, "is missing, but the configuration names its module");
      }
      if (!DTYPES.contains(tensor.dtype())) {
        throw unsupported(full, "dtype " + tensor.dtype() + "; F32, F16 and BF16 are read");
      }
      List<Long> expected = Arrays.stream(shape).boxed().toList();
      if (!tensor.shape().equals(expected)) {
        throw malformed(full, "has shape " + tensor.shape() + ", expected " + expected);
      }
      return new Stored(full, tensor);
    }

    private void refuseTarget(String module) {
      // PEFT's "all-linear" means the linear layers of blocks.
      boolean allLinear = config.targetModules() instanceof TargetModules.AllLinear;
      if (!allLinear && config.targets(module)) {
        throw unsupported(
            "target_modules", "names " + module + "; only linear layers of blocks are adapted");
      }
    }

    private void refuseSaved(String module) {
      if (config.saves(module)) {
        throw unsupported(
            "modules_to_save", "names " + module + "; only norms and the head are replaced");
      }
    }
  }

  /// Full module name of a norm.
  static String module(NormSite site) {
    String block = "model.layers." + site.layer();
    return switch (site.norm()) {
      case ATTENTION -> block + ".input_layernorm";
      case FEED_FORWARD -> block + ".post_attention_layernorm";
      case QUERY -> block + ".self_attn.q_norm";
      case KEY -> block + ".self_attn.k_norm";
      case FINAL -> "model.norm";
    };
  }

  private static AdapterException malformed(String subject, String reason) {
    return new AdapterException(new AdapterRefusal.Malformed(subject, reason));
  }

  private static AdapterException unsupported(String subject, String reason) {
    return new AdapterException(new AdapterRefusal.Unsupported(subject, reason));
  }
}
