"""Golden vectors of base and adapter digests, by an implementation of its own.

Writes small model and adapter folders and digests.json beside them. Standard library only:

    python3 .ci/goldens/digests.py proto/src/test/resources/dev/tributary/identity
"""

import hashlib
import json
import pathlib
import struct
import sys

OPTIONAL = {
    "lora_dropout": 0.05,
    "inference_mode": True,
    "peft_version": "0.21.2",
    "megatron_core": "megatron.core",
    "auto_mapping": None,
    "revision": None,
    "qalora_group_size": 16,
    "use_qalora": False,
    "init_lora_weights": True,
    "loftq_config": {},
    "fan_in_fan_out": False,
    "layer_replication": None,
    "exclude_modules": None,
}


def safetensors(tensors, metadata=None, pad=0):
    """tensors: (name, dtype, shape, bytes) in the order in which they are written."""
    header, at = {}, 0
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode() + b" " * pad
    return struct.pack("<Q", len(text)) + text + b"".join(t[3] for t in tensors)


def canonical(config):
    """The RFC 8785 form of what the configuration honours. Its strings are ASCII and its numbers
    small, where sorted keys and Python's shortest floats are the same as RFC 8785's."""

    def number(x):
        return int(x) if x == int(x) else x

    def names(key):
        value = config.get(key) or None
        return sorted(set(value)) if isinstance(value, list) else value

    layers = config.get("layers_to_transform")
    layers = [layers] if isinstance(layers, int) else sorted(set(layers or [])) or None
    pattern = config.get("layers_pattern") or None
    honoured = {
        "peft_type": config["peft_type"],
        "bias": config.get("bias", "none"),
        "r": config.get("r", 8),
        "lora_alpha": number(config.get("lora_alpha", 8)),
        "use_rslora": bool(config.get("use_rslora")),
        "use_dora": bool(config.get("use_dora")),
        "rank_pattern": [[k, v] for k, v in (config.get("rank_pattern") or {}).items()],
        "alpha_pattern": [[k, number(v)] for k, v in (config.get("alpha_pattern") or {}).items()],
        "target_modules": names("target_modules"),
        "layers_to_transform": layers,
        "layers_pattern": [pattern] if isinstance(pattern, str) else pattern,
        "modules_to_save": names("modules_to_save"),
    }
    return json.dumps(honoured, sort_keys=True, separators=(",", ":")).encode()


def adapter_digest(config, tensors):
    def u64(x):
        return struct.pack("<Q", x)

    def prefixed(b):
        return u64(len(b)) + b

    out = b"tributary-adapter-v1\n" + prefixed(canonical(config)) + u64(len(tensors))
    for name, dtype, shape, data in sorted(tensors, key=lambda t: t[0].encode()):
        out += prefixed(name.encode()) + prefixed(dtype.encode()) + u64(len(shape))
        out += b"".join(map(u64, shape)) + prefixed(data)
    return "sha256:" + hashlib.sha256(out).hexdigest()


def base_digest(files):
    lines = sorted(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def f32(*values):
    return struct.pack(f"<{len(values)}f", *values)


def adapters():
    prefix = "base_model.model.model.layers.0.self_attn."
    plain = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "example/tiny",
        "bias": "none",
        "r": 2,
        "lora_alpha": 4,
        "target_modules": ["v_proj", "q_proj"],
        **OPTIONAL,
    }
    tensors = [
        (prefix + "q_proj.lora_A.weight", "F32", [2, 3], f32(1, 2, 3, 4, 5, 6)),
        (prefix + "q_proj.lora_B.weight", "F32", [3, 2], f32(-1, -2, -3, -4, -5, -6)),
        (prefix + "v_proj.lora_A.weight", "BF16", [2, 3], bytes(range(12))),
        (prefix + "v_proj.lora_B.weight", "F16", [1, 2], bytes(range(4))),
    ]
    # The same function, saved by someone else: other order, other metadata, defaults left out.
    resaved = {
        "lora_alpha": 4.0,
        "r": 2,
        "target_modules": ["q_proj", "v_proj", "q_proj"],
        "base_model_name_or_path": "elsewhere/tiny",
        "peft_type": "LORA",
        "lora_dropout": 0.5,
    }
    patterns = {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 0.5,
        "use_rslora": True,
        "use_dora": True,
        "rank_pattern": {"layers\\.1\\.self_attn\\.q_proj": 2, "q_proj": 8},
        "alpha_pattern": {"q_proj": 16, ".*_proj": 1.25},
        "target_modules": ["q_proj", "up_proj", "o_proj"],
        "layers_to_transform": [3, 1],
        "layers_pattern": "layers",
        "modules_to_save": ["norm", "lm_head"],
    }
    regex = {
        "peft_type": "LORA",
        "target_modules": r"(?:.*?\.)?layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:q_proj|\bup_proj\b)",
    }
    edge = [
        ("\u00e9", "I64", [], struct.pack("<q", -1)),
        ("z", "U8", [0, 7], b""),
        ("\uff5e", "U8", [1], b"\x00"),
        ("\U0001f300", "BOOL", [2], b"\x01\x00"),
    ]
    yield "plain", plain, tensors, {"format": "pt"}, 3
    yield "resaved", resaved, tensors[::-1], None, 0
    yield "patterns", patterns, tensors[:2], {"format": "pt"}, 0
    yield "regex", regex, edge, None, 0


def main(root):
    digests = {}
    for name, config, tensors, metadata, pad in adapters():
        folder = root / "adapters" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        (folder / "adapter_model.safetensors").write_bytes(safetensors(tensors, metadata, pad))
        digests[f"adapters/{name}"] = adapter_digest(config, tensors)
    files = {
        "config.json": b'{"model_type":"llama"}\n',
        "tokenizer.json": b"{}\n",
        "chat_template.jinja": b"{{ messages }}\n",
        "model-00001-of-00002.safetensors": safetensors([("a", "U8", [1], b"a")]),
        "model-00002-of-00002.safetensors": safetensors([("b", "U8", [1], b"b")]),
        "model.safetensors.index.json": b"{}\n",
    }
    folder = root / "bases" / "folder"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "README.md").write_bytes(b"Not part of the identity.\n")
    (folder / "optimizer.safetensors").write_bytes(b"Neither is this.\n")
    digests["bases/folder"] = base_digest(files)
    (root / "bases" / "file.gguf").write_bytes(b"GGUF" + bytes(1000))
    digests["bases/file.gguf"] = (
        "sha256:" + hashlib.sha256(b"GGUF" + bytes(1000)).hexdigest()
    )
    (root / "digests.json").write_text(json.dumps(digests, indent=2) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
