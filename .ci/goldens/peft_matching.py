"""What PEFT itself says about which modules a configuration changes, and how strongly.

Asks PEFT's own matching functions and writes peft-matching.json. Needs peft and torch:

    python .ci/goldens/peft_matching.py proto/src/test/resources/dev/tributary/identity
"""

import json
import math
import pathlib
import sys

from peft import LoraConfig
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils.other import get_pattern_key

LINEAR = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
          "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
MODULES = [f"model.layers.{i}.{name}" for i in (0, 1, 2, 11) for name in LINEAR]
MODULES += ["lm_head", "model.embed_tokens", "q_proj", "model.layers.1.experts.3.up_proj"]

CONFIGS = [
    {"target_modules": ["q_proj", "v_proj"], "r": 4, "lora_alpha": 8},
    {"target_modules": ["q_proj", "proj"], "use_rslora": True, "r": 8, "lora_alpha": 16},
    {"target_modules": ["self_attn.o_proj", "layers.1.mlp.up_proj", "lm_head"]},
    {"target_modules": r".*\.(q|v)_proj"},
    {"target_modules": r"model\.layers\.\d+\.self_attn\.[kv]_proj"},
    {"target_modules": r"^model.layers(?=\.).*\.(gate_proj|up_proj)$"},
    {"target_modules": r"(?!.*\.1\.).*_proj"},
    {"target_modules": r"(?:.*?(?:model).*?(?:mlp|ffn).*?(?:\bup_proj\b|down_proj).*?)"
                       r"|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn)\.(?:(?:q_proj|k_proj)))"},
    {"target_modules": r"[^.]+(\.\w+){3,4}_proj|q_.{0,4}"},
    {"target_modules": r"model\.layers\.(1|11)\..*"},
    {"target_modules": r"\Bq_proj|\w+_head"},
    {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": 1},
    {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": [0, 11]},
    {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
    {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": [3, 2],
     "layers_pattern": ["experts", "layers"]},
    {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": [1], "layers_pattern": "blocks"},
    {"target_modules": ["q_proj", "lm_head", "up_proj"], "modules_to_save": ["lm_head", "mlp"]},
    {"target_modules": ["q_proj", "v_proj"], "r": 16, "lora_alpha": 32,
     "rank_pattern": {"q_proj": 4, "layers.1.self_attn.q_proj": 2},
     "alpha_pattern": {r"layers\.1\.self_attn\.v_proj": 5.5, "v_proj": 64}},
    {"target_modules": ["q_proj", "v_proj"], "r": 16, "lora_alpha": 32, "use_rslora": True,
     "rank_pattern": {r"(?:model\.)?layers\.1[01]?\..*": 2, "roj": 3, "q_proj|k_proj": 5},
     "alpha_pattern": {"^model.layers.0.self_attn.q_proj": 7}},
]


def answers(config):
    lora = LoraConfig(**config)
    result = []
    for module in MODULES:
        r = lora.rank_pattern.get(get_pattern_key(lora.rank_pattern.keys(), module), lora.r)
        alpha = lora.alpha_pattern.get(
            get_pattern_key(lora.alpha_pattern.keys(), module), lora.lora_alpha)
        found = check_target_module_exists(lora, module)
        # An excluded module comes back as a false object.
        result.append({
            "module": module,
            "targeted": bool(found),
            "rank": r,
            "alpha": alpha,
            "scaling": alpha / (math.sqrt(r) if lora.use_rslora else r),
        })
    return result


def main(root):
    cases = [{"config": {"peft_type": "LORA", **c}, "modules": answers(c)} for c in CONFIGS]
    text = "[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]"
    (root / "peft-matching.json").write_text(text + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
