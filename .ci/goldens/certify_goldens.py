#!/usr/bin/env python3
"""A tiny model unquantised and in four bits, and how far the two are apart by torch in fp32 on the dequantised weights.

    python .ci/goldens/certify_goldens.py OUT_DIR          (needs torch 2.7.1, transformers, tokenizers, gguf)
    python .ci/goldens/certify_goldens.py dequantise MODEL.gguf OUT_DIR [TYPE]

The second form writes a llama-family GGUF's weights, dequantised, as a Hugging Face folder in bf16 (TYPE absent) or
its linear layers quantised again, as a GGUF of TYPE (such as Q4_0): a source that a base loses nothing against, and a
base that loses something. README.md beside this script describes the files.
"""
import json, math, os, pathlib, sys

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from gguf import quants
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HIDDEN, FEED_FORWARD, LAYERS, HEADS, KV_HEADS, CONTEXT, THETA = 64, 96, 2, 4, 2, 512, 10000.0
TEMPLATE = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
LENGTHS = {"short": 5, "middle": 70, "long": 201}


def byte_characters():
    """GPT-2's alphabet of bytes, by byte."""
    prints = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    shifted = iter(range(256, 512))
    return [chr(b if b in prints else next(shifted)) for b in range(256)]


MERGES = ["Ġ t", "h e"]
TOKENS = byte_characters() + [merge.replace(" ", "") for merge in MERGES] + ["<|im_start|>", "<|im_end|>"]
VOCABULARY = len(TOKENS)
LINEAR = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
          "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}


def config():
    return LlamaConfig(hidden_size=HIDDEN, intermediate_size=FEED_FORWARD, num_hidden_layers=LAYERS,
                       num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, vocab_size=VOCABULARY,
                       max_position_embeddings=CONTEXT, rms_norm_eps=1e-5, tie_word_embeddings=False,
                       rope_parameters={"rope_type": "default", "rope_theta": THETA}, bos_token_id=VOCABULARY - 2, eos_token_id=VOCABULARY - 1)


def weights(random):
    """Random float32 weights; gains so that attention is peaked and logits spread over a few nats."""
    state = {}
    for name, p in LlamaForCausalLM(config()).state_dict().items():
        shape = tuple(p.shape)
        if name.endswith("norm.weight"):
            w = random.uniform(0.6, 1.4, shape)
        elif "embed_tokens" in name:
            w = random.normal(0, 0.3, shape)
        elif "lm_head" in name:
            w = random.normal(0, 2.5 / math.sqrt(shape[1]), shape)
        else:
            w = random.normal(0, (1.2 if "q_proj" in name or "k_proj" in name else 0.9) / math.sqrt(shape[1]), shape)
        state[name] = w.astype(np.float32)
    return state


def gguf_name(name):
    """The file's name of a tensor, and the heads whose rows it interleaves (0: none)."""
    if name == "model.embed_tokens.weight":
        return "token_embd.weight", 0
    if name == "lm_head.weight":
        return "output.weight", 0
    if name == "model.norm.weight":
        return "output_norm.weight", 0
    layer, rest = name.removeprefix("model.layers.").split(".", 1)
    if rest == "input_layernorm.weight":
        return f"blk.{layer}.attn_norm.weight", 0
    if rest == "post_attention_layernorm.weight":
        return f"blk.{layer}.ffn_norm.weight", 0
    kind = rest.split(".")[1]
    return f"blk.{layer}.{LINEAR[kind]}.weight", {"q_proj": HEADS, "k_proj": KV_HEADS}.get(kind, 0)


def interleaved(w, heads):
    return w.reshape(heads, 2, w.shape[0] // heads // 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape) if heads else w


def straight(w, heads):
    return w.reshape(heads, w.shape[0] // heads // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape) if heads else w


def write_gguf(path, state, kind_of):
    """Writes the file; returns the weights that it holds, dequantised, by their names in `state`."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny certified")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(THETA)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([1] * (VOCABULARY - 2) + [3, 3])
    writer.add_token_merges(MERGES)
    writer.add_eos_token_id(VOCABULARY - 1)
    writer.add_chat_template(TEMPLATE)
    held = {}
    for name, w in state.items():
        stored, heads = gguf_name(name)
        kind = T.F32 if w.ndim == 1 else kind_of(name)
        data = quants.quantize(interleaved(w, heads), kind) if kind != T.F32 else w
        writer.add_tensor(stored, data, raw_dtype=kind)
        values = quants.dequantize(data, kind).astype(np.float32) if kind != T.F32 else w
        held[name] = straight(values.reshape(w.shape), heads) if w.ndim == 2 else values
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return held


def write_hf(folder, state):
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    config().save_pretrained(folder)
    values = {name: torch.tensor(w).bfloat16() for name, w in state.items()}
    save_file(values, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer = Tokenizer(models.BPE({token: id for id, token in enumerate(TOKENS)}, [tuple(merge.split(" ")) for merge in MERGES]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in TOKENS[-2:]])
    tokenizer.save(str(folder / "tokenizer.json"))
    with open(folder / "tokenizer_config.json", "w") as f:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": TOKENS[-1],
                   "chat_template": TEMPLATE}, f, indent=1)
    return {name: w.float().numpy() for name, w in values.items()}


def logits(state, ids):
    model = LlamaForCausalLM(config()).eval()
    model.load_state_dict({name: torch.tensor(w) for name, w in state.items()})
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, :-1].double()


def positions(source, base, ids):
    """Per predicted token: KL(source || base), both losses, whether the top token differs."""
    p, q = (torch.log_softmax(logits(state, ids), -1) for state in (source, base))
    target = torch.tensor(ids[1:])[:, None]
    return {"kl": (p.exp() * (p - q)).sum(-1), "source": -p.gather(1, target)[:, 0],
            "base": -q.gather(1, target)[:, 0], "flips": (p.argmax(-1) != q.argmax(-1)).int()}


def figures(name, found):
    kl = found["kl"].sort().values
    return {"name": name, "tokens": len(kl), "source_perplexity": found["source"].mean().exp().item(),
            "base_perplexity": found["base"].mean().exp().item(), "kl_mean": kl.mean().item(),
            "kl_p99": kl[math.ceil(0.99 * len(kl)) - 1].item(), "flips": int(found["flips"].sum())}


def golden(out):
    random = np.random.default_rng(20261122)
    torch.manual_seed(0)
    state = weights(random)
    table = lambda name: "embed_tokens" in name or "lm_head" in name
    sources = {"source": write_hf(out / "source", state),
               "source-f16.gguf": write_gguf(out / "source-f16.gguf", state, lambda name: T.F16)}
    bases = {f"base-{kind.name.lower()}.gguf": write_gguf(
        out / f"base-{kind.name.lower()}.gguf", state, lambda name: T.Q8_0 if table(name) else kind)
        for kind in (T.Q4_1, T.Q4_0)}
    texts = {name: random.integers(0, VOCABULARY, length).tolist() for name, length in LENGTHS.items()}
    cases = []
    for base, source in [("base-q4_1.gguf", "source"), ("base-q4_0.gguf", "source"),
                         ("base-q4_0.gguf", "source-f16.gguf")]:
        found = {name: positions(sources[source], bases[base], ids) for name, ids in texts.items()}
        together = {key: torch.cat([each[key] for each in found.values()]) for key in ("kl", "source", "base", "flips")}
        cases.append({"base": base, "source": source, "all": figures("all", together),
                      "slices": [figures(name, each) for name, each in found.items()]})
        print(base, source, cases[-1]["all"])
    with open(out / "goldens.json", "w") as f:
        json.dump({"texts": texts, "cases": cases}, f, indent=1)


def dequantise(file, out, kind):
    reader = gguf.GGUFReader(file)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    shape = {key: fields[f"llama.{key}"] for key in ("block_count", "embedding_length", "feed_forward_length",
             "attention.head_count", "attention.head_count_kv", "context_length", "rope.freq_base",
             "attention.layer_norm_rms_epsilon")}
    if kind:
        writer = gguf.GGUFWriter(out, "llama")
        for name, field in reader.fields.items():
            if not name.startswith("GGUF.") and name != "general.architecture":
                part = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
                writer.add_key_value(name, field.contents(), field.types[0], part)
        for tensor in reader.tensors:
            same = len(tensor.shape) == 1 or not tensor.name.startswith("blk.")
            data = tensor.data if same else quants.quantize(quants.dequantize(tensor.data, tensor.tensor_type), T[kind])
            writer.add_tensor(tensor.name, data, raw_dtype=tensor.tensor_type if same else T[kind])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return
    out.mkdir(parents=True, exist_ok=True)
    heads, kv = shape["attention.head_count"], shape["attention.head_count_kv"]
    names = {stored: name for name, stored in LINEAR.items()}
    state = {}
    for tensor in reader.tensors:
        w = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        part = tensor.name.split(".")
        if part[0] == "blk":
            kind_of = part[2]
            prefix = f"model.layers.{part[1]}."
            if kind_of in ("attn_norm", "ffn_norm"):
                name = prefix + {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}[kind_of]
            else:
                hf = names[kind_of]
                name = prefix + ("mlp." if kind_of.startswith("ffn") else "self_attn.") + hf
                w = straight(w, {"q_proj": heads, "k_proj": kv}.get(hf, 0))
        else:
            name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}[part[0]]
        state[name + ".weight"] = torch.tensor(np.ascontiguousarray(w)).bfloat16()
    save_file(state, out / "model.safetensors", metadata={"format": "pt"})
    LlamaConfig(hidden_size=shape["embedding_length"], intermediate_size=shape["feed_forward_length"],
                num_hidden_layers=shape["block_count"], num_attention_heads=heads, num_key_value_heads=kv,
                vocab_size=len(fields["tokenizer.ggml.tokens"]), max_position_embeddings=shape["context_length"],
                rms_norm_eps=round(shape["attention.layer_norm_rms_epsilon"], 9),
                tie_word_embeddings="lm_head.weight" not in state,
                rope_parameters={"rope_type": "default", "rope_theta": shape["rope.freq_base"]}).save_pretrained(out)
    special = [t for t, kind in zip(fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]) if kind == 3]
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(fields["tokenizer.ggml.tokens"])}, merges))
    # As llama.cpp knows SmolLM's: digits apart, then GPT-2's words.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in special])
    tokenizer.save(str(out / "tokenizer.json"))
    with open(out / "tokenizer_config.json", "w") as f:
        json.dump({"tokenizer_class": "GPT2Tokenizer",
                   "eos_token": fields["tokenizer.ggml.tokens"][fields["tokenizer.ggml.eos_token_id"]],
                   "chat_template": fields.get("tokenizer.chat_template")}, f, indent=1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) in (4, 5) and sys.argv[1] == "dequantise":
        dequantise(sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4] if len(sys.argv) == 5 else None)
    elif len(sys.argv) == 2:
        target = pathlib.Path(sys.argv[1])
        target.mkdir(parents=True, exist_ok=True)
        golden(target)
    else:
        sys.exit(__doc__)
