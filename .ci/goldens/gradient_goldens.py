#!/usr/bin/env python3
"""Losses and gradients of LoRA pairs by PyTorch's autograd in fp32.

usage: gradient_goldens.py tiny TINY_DIR OUT_DIR               (after tiny_goldens.py; a minute)
       gradient_goldens.py model MODEL.gguf MODEL_DIR OUT_DIR  (after model_goldens.py sets; a minute)
(needs torch 2.7.1, transformers, peft, gguf, safetensors)

The base is frozen; the loss of a row is the sum of -ln p over its targets, of all the sum of weight * loss.
README.md beside this script describes the files.
"""
import json, os, sys

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

PROJECTIONS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
               "mlp.up_proj", "mlp.down_proj"]
TINY = [("llama-untied", "plain"), ("llama-untied", "patterns-rslora"), ("llama-untied", "layers"),
        ("qwen2", "qwen2-plain")]
MODEL = ["town-guide", "json"]
SIGNS = 16  # random projections of each gradient
WEIGHTS = [1.0, 0.5, 0.25]
DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "server", "demo")
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
logging.disable_progress_bar()


def trainable(model, folder, dtype=torch.float32):
    model = PeftModel.from_pretrained(model, folder, is_trainable=True).to(dtype).eval()
    for name, p in model.named_parameters():
        p.requires_grad_("lora_" in name)
    return model


def backward(model, rows):
    """Losses of `rows` [(ids, targets from, weight)]; the gradients are left in the model."""
    losses = []
    for ids, start, weight in rows:
        logits = model(input_ids=torch.tensor([ids[:-1]]), use_cache=False).logits[0]
        loss = torch.nn.functional.cross_entropy(logits[start - 1:].double(), torch.tensor(ids[start:]), reduction="sum")
        (weight * loss).backward()
        losses.append(loss.item())
    return losses


def gradients(model):
    """[(layer, projection, gradient of A [rank, inputs], of B transposed [rank, outputs])]"""
    found = []
    for name, module in model.base_model.model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            _, _, layer, path = name.split(".", 3)
            a, b = module.lora_A["default"].weight.grad, module.lora_B["default"].weight.grad
            found.append((int(layer), PROJECTIONS.index(path), a, b.T.contiguous()))
    return sorted(found, key=lambda g: g[:2])


def described(rows, losses):
    starts = np.cumsum([0] + [len(ids) for ids, _, _ in rows])
    return {"ids": torch.tensor(sum((ids for ids, _, _ in rows), []), dtype=torch.int32),
            "starts": torch.tensor(starts, dtype=torch.int32),
            "targets_from": torch.tensor([t for _, t, _ in rows], dtype=torch.int32),
            "weights": torch.tensor([w for _, _, w in rows], dtype=torch.float32),
            "losses": torch.tensor(losses, dtype=torch.float32)}


def tiny(source, out):
    for base, adapter in TINY:
        path = f"{source}/{base}"
        golden = load_file(f"{path}/golden.safetensors")
        ids, starts = golden["ids"].tolist(), golden["starts"].tolist()
        rows = [(ids[a:b], 1 + (b - a) // 3, w) for a, b, w in zip(starts, starts[1:], WEIGHTS)]
        with open(f"{path}/config.json") as f:
            config = AutoConfig.for_model(**json.load(f))
        model = AutoModelForCausalLM.from_pretrained(path, config=config, dtype=torch.float32,
                                                     attn_implementation="eager")
        model = trainable(model, f"{path}/adapters/{adapter}")
        tensors = described(rows, backward(model, rows))
        for layer, projection, a, b in gradients(model):
            tensors[f"{layer}.{projection}.a"], tensors[f"{layer}.{projection}.b"] = a, b
        save_file(tensors, f"{out}/tiny-{adapter}.safetensors")
        print(adapter, tensors["losses"].tolist())


def signs(count):
    """[count, SIGNS] of +1 and -1: the lowest bits of SplitMix64's answer to each index."""
    z = np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    bits = (z[:, None] >> np.arange(SIGNS, dtype=np.uint64)) & np.uint64(1)
    return torch.tensor(1.0 - 2.0 * bits.astype(np.float64))


def projected(g):
    return (g.double().flatten() @ signs(g.numel())).float()


def distance(rough, exact):
    """Relative error of all gradients together."""
    pairs = [(r, e) for x, y in zip(rough, exact) for r, e in zip(x[2:], y[2:])]
    error = sum((r.double() - e.double()).square().sum() for r, e in pairs)
    return (error / sum(e.double().square().sum() for _, e in pairs)).sqrt().float().reshape(1)


def model(file, sets, out):
    folder, name = os.path.split(os.path.abspath(file))
    for adapter in MODEL:
        own, text = load_file(f"{sets}/{adapter}.own.safetensors"), load_file(f"{sets}/base.general.safetensors")
        starts, ids = own["starts"].tolist(), own["ids"].tolist()
        rows = [(ids[a:b], (b - a) // 2, w) for a, b, w in zip(starts, starts[1:], WEIGHTS[:2])]
        rows.append((text["ids"].tolist()[:96], 32, WEIGHTS[2]))
        found = {}
        for dtype in (torch.bfloat16, torch.float32):
            base = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=dtype)
            peft = trainable(base, os.path.join(DEMO, "adapters", adapter), dtype)
            tensors = described(rows, backward(peft, rows))
            found[dtype] = gradients(peft)
        rough, found = found[torch.bfloat16], found[torch.float32]
        tensors["bf16_error"] = distance(rough, found)
        tensors["sites"] = torch.tensor([g[:2] for g in found], dtype=torch.int32)
        tensors["norms"] = torch.stack([torch.stack([a.norm(), b.norm()]) for _, _, a, b in found])
        tensors["a"] = torch.stack([projected(a) for _, _, a, _ in found])
        tensors["b"] = torch.stack([projected(b) for _, _, _, b in found])
        save_file(tensors, f"{out}/{adapter}.safetensors")
        print(adapter, tensors["losses"].tolist(), [len(ids) for ids, _, _ in rows], tensors["bf16_error"].item())


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "tiny":
        os.makedirs(sys.argv[3], exist_ok=True)
        tiny(*sys.argv[2:])
    elif len(sys.argv) == 5 and sys.argv[1] == "model":
        os.makedirs(sys.argv[4], exist_ok=True)
        model(*sys.argv[2:])
    else:
        sys.exit(__doc__)


main()
