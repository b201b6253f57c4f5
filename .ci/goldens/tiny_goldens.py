#!/usr/bin/env python3
"""Tiny random models and adapters with the logits that transformers (+ PEFT) gives for them in fp32.

usage: tiny_goldens.py OUT_DIR        (needs torch 2.7.1, transformers, peft, safetensors; about a minute)

Linear weights lie exactly on the server's 4-bit grid (groups of 32 inputs, w = (q - 8) s + z, bf16 s and z, codes 0
and 15 in every group), so quantising at load loses nothing and fp32 on the stored weights is the oracle.
README.md beside this script describes the files.
"""
import json, math, os, shutil, sys

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

GROUP = 32
LENGTHS = (5, 16, 120)  # tokens of the three sequences; of the last only every tenth position's logits are stored
OUT = sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__)
torch.set_num_threads(2)
logging.disable_progress_bar()

BASE = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=256, max_position_embeddings=512, rms_norm_eps=1e-5, hidden_act="silu", bos_token_id=1,
            eos_token_id=2, torch_dtype="bfloat16")
LLAMA = dict(BASE, model_type="llama", architectures=["LlamaForCausalLM"], attention_bias=False, mlp_bias=False)
QWEN2 = dict(BASE, model_type="qwen2", architectures=["Qwen2ForCausalLM"], use_sliding_window=False,
             sliding_window=32, max_window_layers=2, rms_norm_eps=1e-6)
QWEN3 = dict(BASE, model_type="qwen3", architectures=["Qwen3ForCausalLM"], use_sliding_window=False,
             sliding_window=None, max_window_layers=2, rms_norm_eps=1e-6, attention_bias=False)

# Both spellings that checkpoints have are here: `rope_theta` + `rope_scaling` (transformers 4, also its older `type`)
# and `rope_parameters` (transformers 5). `without` undoes what the model is there to test: its logits must then move.
MODELS = {
    "llama-tied": (dict(LLAMA, tie_word_embeddings=True, rope_theta=10000.0, rope_scaling=None), "heads"),
    "llama-untied": (dict(LLAMA, head_dim=32, vocab_size=272, tie_word_embeddings=False,
                          rope_parameters={"rope_type": "default", "rope_theta": 500000.0}),
                     dict(rope_parameters={"rope_type": "default", "rope_theta": 10000.0})),
    "llama-linear": (dict(LLAMA, tie_word_embeddings=True, rope_theta=10000.0,
                          rope_scaling={"type": "linear", "factor": 4.0}),
                     dict(rope_scaling=None)),
    "llama-llama3": (dict(LLAMA, tie_word_embeddings=True, rope_theta=500000.0, head_dim=32,
                          rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                        "high_freq_factor": 4.0, "original_max_position_embeddings": 64}),
                     dict(rope_scaling=None)),
    "llama-yarn": (dict(LLAMA, tie_word_embeddings=True,
                        rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 16.0,
                                         "original_max_position_embeddings": 32}),
                   dict(rope_parameters={"rope_type": "default", "rope_theta": 10000.0})),
    "llama-yarn-attention-factor": (
        dict(LLAMA, tie_word_embeddings=True, rope_theta=10000.0,
             rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128,
                           "attention_factor": 1.3, "beta_fast": 16.0, "beta_slow": 2.0}),
        dict(rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128})),
    "llama-yarn-mscale": (
        dict(LLAMA, tie_word_embeddings=True,
             rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 16.0, "mscale": 0.5,
                              "mscale_all_dim": 1.5, "original_max_position_embeddings": 32}),
        dict(rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "factor": 16.0,
                              "original_max_position_embeddings": 32})),
    "llama-bias": (dict(LLAMA, tie_word_embeddings=False, attention_bias=True, mlp_bias=True, rope_theta=10000.0,
                        rope_scaling=None), "bias"),
    "qwen2": (dict(QWEN2, tie_word_embeddings=True, rope_theta=1000000.0, rope_scaling=None), "bias"),
    "qwen3": (dict(QWEN3, head_dim=32, tie_word_embeddings=False,
                   rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}), "q_norm"),
}

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ALL = ATTENTION + ["gate_proj", "up_proj", "down_proj"]
# name -> (model, LoraConfig arguments, dtype of the file). The name says which option of PEFT it is about.
ADAPTERS = {
    "plain": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=ALL), torch.bfloat16),
    "plain-f16": ("llama-untied", dict(r=3, lora_alpha=6, target_modules=ATTENTION), torch.float16),
    "plain-f32": ("llama-untied", dict(r=4, lora_alpha=2, target_modules=["q_proj", "down_proj"]), torch.float32),
    "rslora": ("llama-untied", dict(r=8, lora_alpha=4, use_rslora=True, target_modules=["v_proj", "up_proj"]),
               torch.bfloat16),
    "patterns": ("llama-untied", dict(
        r=4, lora_alpha=8, target_modules=ALL,
        rank_pattern={"q_proj": 2, "model.layers.1.mlp.down_proj": 6, r".*\.0\.self_attn\.v_proj": 1},
        alpha_pattern={"k_proj": 3, "layers.0.mlp.down_proj": 16, r".*\.[12]\.self_attn\.v_proj": 5}), torch.bfloat16),
    "patterns-rslora": ("llama-untied", dict(
        r=4, lora_alpha=4, target_modules=["q_proj", "o_proj"], use_rslora=True,
        rank_pattern={"o_proj": 9}, alpha_pattern={"o_proj": 3, "q_proj": 6}), torch.bfloat16),
    "regex": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=r".*\.1\.(self_attn\.(q|v)|mlp\.up)_proj"),
              torch.bfloat16),
    "paths": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=["layers.0.self_attn.q_proj",
                                                                     "model.layers.1.mlp.gate_proj"]), torch.bfloat16),
    "layers": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=ATTENTION, layers_to_transform=[1]),
               torch.bfloat16),
    "layer": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=ATTENTION, layers_to_transform=0,
                                   layers_pattern="layers"), torch.bfloat16),
    "dora": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=ALL, use_dora=True), torch.bfloat16),
    "saved-head": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"],
                                        modules_to_save=["lm_head"]), torch.bfloat16),
    # PEFT takes every module whose name ends in "norm": the two norms of each layer and the last one.
    "saved-norms": ("llama-untied", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"],
                                         modules_to_save=["norm", "lm_head"]), torch.float32),
    "qwen2-plain": ("qwen2", dict(r=4, lora_alpha=8, target_modules=ALL), torch.bfloat16),
    "qwen2-dora-rslora": ("qwen2", dict(r=4, lora_alpha=4, target_modules=["k_proj", "down_proj"], use_dora=True,
                                        use_rslora=True), torch.float32),
    "qwen2-norm": ("qwen2", dict(r=2, lora_alpha=4, target_modules=["v_proj"], modules_to_save=["model.norm"]),
                   torch.bfloat16),
}
# name -> [(adapter, scale)]: adapters of one request, their deltas added.
COMBINATIONS = {
    "half": [("plain", 0.5)],
    "negative": [("plain", -0.75)],
    "two": [("plain", 1.0), ("rslora", 1.0)],
    "three-scaled": [("patterns", 0.5), ("rslora", 1.25), ("plain-f32", -1.0)],
}


def bf16(x):
    """Nearest bf16 values, as float64."""
    return torch.tensor(np.asarray(x), dtype=torch.float32).bfloat16().double().numpy()


def on_grid(rng, rows, cols, std):
    """A [rows, cols] matrix whose groups of 32 inputs are exactly (q - 8) s + z in bf16, with about this deviation.

    s has a 4-bit mantissa and z = k s / 2. Then w = (s / 2) (2 q - 16 + k), and the integer in brackets is even and at
    most 32 or odd and at most 17, so that w has at most 8 significant bits: bf16 holds it.
    """
    groups = rows * cols // GROUP
    s = std / 3.6 * rng.uniform(0.7, 1.4, groups)
    exponent = np.floor(np.log2(s)) - 3
    s = np.clip(np.rint(s / 2.0**exponent), 8, 15) * 2.0**exponent
    k = rng.choice([-8, -6, -4, -2, -1, 0, 1, 2, 3, 4, 6, 8], groups)
    q = np.clip(np.rint(rng.normal(7.5, 3.3, (groups, GROUP))), 0, 15)
    ends = np.argsort(rng.random((groups, GROUP)), axis=1)
    np.put_along_axis(q, ends[:, :1], 0, axis=1)
    np.put_along_axis(q, ends[:, 1:2], 15, axis=1)
    w = (q - 8) * s[:, None] + (k * s / 2)[:, None]
    lossless(w)
    return w.reshape(rows, cols)


def lossless(w):
    """Fails unless min/max 4-bit quantisation with bf16 s and z gives back every weight of `w` [groups, 32]."""
    assert (bf16(w) == w).all()
    low, high = w.min(axis=1, keepdims=True), w.max(axis=1, keepdims=True)
    s = bf16((high - low) / 15)
    z = bf16(low + 8 * s)
    q = np.clip(np.rint((w - z) / s) + 8, 0, 15)
    assert ((q - 8) * s + z == w).all() and q.min() == 0 and q.max() == 15


def weights(rng, model):
    """Random weights by name. Gains are chosen so that attention is peaked and logits spread over a few nats."""
    state = {}
    for name, p in model.state_dict().items():
        shape = tuple(p.shape)
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        if name.endswith("norm.weight"):
            w = bf16(rng.uniform(0.6, 1.4, shape))
        elif name.endswith(".bias"):
            w = bf16(rng.normal(0, 0.5, shape))
        elif name == "model.embed_tokens.weight":
            w = bf16(rng.normal(0, 0.3, shape))
        elif name == "lm_head.weight":
            w = bf16(rng.normal(0, 2.5 / math.sqrt(shape[1]), shape))
        else:
            gain = 1.2 if "q_proj" in name or "k_proj" in name else 0.9
            w = on_grid(rng, *shape, gain / math.sqrt(shape[1]))
        state[name] = torch.tensor(w, dtype=torch.bfloat16)
    return state


def load(path, dtype=torch.float32, **changes):
    with open(f"{path}/config.json") as f:
        config = AutoConfig.for_model(**(json.load(f) | changes))
    return AutoModelForCausalLM.from_pretrained(path, config=config, dtype=dtype, attn_implementation="eager").eval()


def logits(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float()


def kl(p, q):
    """Mean over positions of KL(p || q) in nats, both given as logits."""
    p, q = torch.log_softmax(p.double(), -1), torch.log_softmax(q.double(), -1)
    return (p.exp() * (p - q)).sum(-1).mean().item()


def stored_rows():
    rows, start = [], 0
    for n in LENGTHS:
        rows += range(start, start + n) if n < 100 else range(start + 9, start + n, 10)
        start += n
    return rows


def golden(path, run, run_bf16, sequences, rows):
    """Writes ids, starts, rows and logits; returns the oracle's logits at all positions and the bf16 run's mean KL."""
    oracle = torch.cat([run(x) for x in sequences])
    rough = torch.cat([run_bf16(x) for x in sequences])
    starts = np.cumsum([0] + [len(x) for x in sequences])
    save_file({"ids": torch.tensor(sum(sequences, []), dtype=torch.int32),
               "starts": torch.tensor(starts, dtype=torch.int32),
               "rows": torch.tensor(rows, dtype=torch.int32),
               "logits": oracle[rows].contiguous()}, path)
    return oracle, kl(oracle[rows], rough[rows])


def lame(model, feature):
    """Takes one feature out of the model by its weights."""
    for name, p in model.named_parameters():
        if feature == "bias" and name.endswith(".bias"):
            p.data.zero_()
        if feature == "q_norm" and name.endswith(("q_norm.weight", "k_norm.weight")):
            p.data.fill_(1.0)
    if feature == "heads":  # what comes of dealing the query heads out in turn to the key heads
        for layer in model.model.layers:
            for p, dim in ((layer.self_attn.q_proj.weight, 0), (layer.self_attn.o_proj.weight, 1)):
                p.data.copy_(p.data.unflatten(dim, (2, 2, -1)).transpose(dim, dim + 1).reshape(p.shape))


def make_model(name, config, without, seed):
    path = f"{OUT}/{name}"
    os.makedirs(path)
    config = dict(config, _name_or_path=f"tributary/tiny-{name}")
    if "rope_parameters" in config:  # transformers 5 writes it so
        config["dtype"] = config.pop("torch_dtype")
    with open(f"{path}/config.json", "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    rng = np.random.RandomState(seed)
    skeleton = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path), dtype=torch.bfloat16)
    state = weights(rng, skeleton)
    save_file(state, f"{path}/model.safetensors", metadata={"format": "pt"})
    model, rough = load(path), load(path, torch.bfloat16)
    for key, value in model.state_dict().items():  # nothing renamed, dropped or initialised at random by the loader
        assert key not in state or (value == state[key].float()).all(), key
    sequences = [rng.randint(3, config["vocab_size"], n).tolist() for n in LENGTHS]
    oracle, rough_kl = golden(f"{path}/golden.safetensors", lambda x: logits(model, x), lambda x: logits(rough, x),
                              sequences, stored_rows())
    other = load(path, **without) if isinstance(without, dict) else load(path)
    if isinstance(without, str):
        lame(other, without)
    moved = kl(oracle, torch.cat([logits(other, x) for x in sequences]))
    assert moved > 30 * rough_kl, (name, moved, rough_kl)
    return sequences, dict(model=name, bf16_kl=rough_kl, kl_without_the_feature=moved)


def make_adapter(name, base, options, dtype, seed):
    torch.manual_seed(seed)
    model = get_peft_model(load(f"{OUT}/{base}"), LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **options))
    rng = np.random.RandomState(seed)
    for key, p in model.named_parameters():
        if "lora_A" in key:
            p.data.copy_(torch.tensor(rng.normal(0, 1 / math.sqrt(p.shape[1]), p.shape)))
        elif "lora_B" in key:
            p.data.copy_(torch.tensor(rng.normal(0, 0.15, p.shape)))
        elif "lora_magnitude_vector" in key:
            p.data.mul_(torch.tensor(rng.uniform(0.7, 1.3, p.shape)))
        elif "modules_to_save" in key and "norm" in key:
            p.data.mul_(torch.tensor(rng.uniform(0.7, 1.3, p.shape)))
        elif "modules_to_save" in key:
            p.data.add_(torch.tensor(rng.normal(0, 0.1, p.shape)))
    model.peft_config["default"].base_model_name_or_path = f"tributary/tiny-{base}"
    path = f"{OUT}/{base}/adapters/{name}"
    model.save_pretrained(path, save_embedding_layers=False)
    os.remove(f"{path}/README.md")
    file = f"{path}/adapter_model.safetensors"
    save_file({k: v.to(dtype).contiguous() for k, v in load_file(file).items()}, file, metadata={"format": "pt"})
    with open(f"{path}/adapter_config.json") as f:  # sets have no order: fix one
        config = json.load(f)
    for key, value in config.items():
        if isinstance(value, list) and all(isinstance(x, str) for x in value):
            config[key] = sorted(value)
    with open(f"{path}/adapter_config.json", "w") as f:
        json.dump(config, f, indent=1, sort_keys=True)
        f.write("\n")


def with_adapters(base, parts, dtype):
    """The base with these adapters active together, each scaled, their deltas added; all in `dtype`."""
    path = f"{OUT}/{base}"
    first = parts[0][0]
    model = PeftModel.from_pretrained(load(path, dtype), f"{path}/adapters/{first}", adapter_name=first,
                                      autocast_adapter_dtype=False)
    for name, _ in parts[1:]:
        model.load_adapter(f"{path}/adapters/{name}", adapter_name=name, autocast_adapter_dtype=False)
    model = model.to(dtype).eval()
    model.base_model.set_adapter([name for name, _ in parts])
    for module in model.modules():
        for name, scale in parts:
            if isinstance(module, LoraLayer) and name in module.scaling:
                module.scaling[name] *= scale
    return model


def merged(base, parts):
    """The same by plain arithmetic on the weights (no DoRA, nothing saved whole): a check on PEFT's own sum."""
    model = load(f"{OUT}/{base}")
    peft = with_adapters(base, parts, torch.float32)
    for name, module in peft.base_model.model.named_modules():
        for adapter, _ in parts:
            if isinstance(module, LoraLayer) and adapter in module.lora_A:
                delta = module.lora_B[adapter].weight @ module.lora_A[adapter].weight
                model.get_submodule(name).weight.data += module.scaling[adapter] * delta
    return model


def make_case(name, base, parts, sequence, base_logits):
    exact = with_adapters(base, parts, torch.float32)
    rough = with_adapters(base, parts, torch.bfloat16)
    file = f"{base}/adapters/{name}.golden.safetensors"
    oracle, rough_kl = golden(f"{OUT}/{file}", lambda x: logits(exact, x), lambda x: logits(rough, x), [sequence],
                              list(range(len(sequence))))
    moved = kl(oracle, base_logits)
    assert moved > 30 * rough_kl and moved > 0.02, (name, moved, rough_kl)
    if name in ("two", "three-scaled", "half", "negative"):
        assert (logits(merged(base, parts), sequence) - oracle).abs().max() < 1e-3, name
    if len(parts) == 1 and parts[0][1] != 1:
        whole = logits(with_adapters(base, [(parts[0][0], 1.0)], torch.float32), sequence)
        assert kl(oracle, whole) > 30 * rough_kl, name
    return dict(case=name, model=base, golden=file, bf16_kl=rough_kl, kl_from_base=moved,
                adapters=[dict(path=f"{base}/adapters/{a}", scale=s) for a, s in parts])


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    models, sequences = [], {}
    for i, (name, (config, without)) in enumerate(MODELS.items()):
        sequences[name], entry = make_model(name, config, without, 100 + i)
        models.append(entry)
        print(entry, flush=True)
    for i, (name, (base, options, dtype)) in enumerate(ADAPTERS.items()):
        make_adapter(name, base, options, dtype, 200 + i)
    cases = []
    parts = {name: [(name, 1.0)] for name in ADAPTERS} | COMBINATIONS
    for name, chosen in parts.items():
        base = ADAPTERS[chosen[0][0]][0]
        sequence = sequences[base][1]
        cases.append(make_case(name, base, chosen, sequence, logits(load(f"{OUT}/{base}"), sequence)))
        print(cases[-1], flush=True)
    with open(f"{OUT}/goldens.json", "w") as f:
        json.dump(dict(models=models, cases=cases), f, indent=1)
        f.write("\n")


main()
