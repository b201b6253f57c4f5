#!/usr/bin/env python3
"""What transformers makes of training examples, and what PEFT makes of an adapter that was trained here.

usage: train_goldens.py tokens SmolLM2-135M-Instruct.Q4_1.gguf OUT.json
       train_goldens.py logits MODEL_DIR ADAPTER_DIR OUT.safetensors

tokens: the ids of prompt (chat template with generation prompt) and of answer + <|im_end|>, encoded apart, of every
tenth conversation of conversations.jsonl and of a few odd ones.
logits: float32 logits of one sequence under MODEL_DIR with the adapter, loaded by transformers + PEFT.
"""
import json, os, sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ODD = [
    [("system", "You answer in one word."), ("user", "Colour of snow?"), ("assistant", "White")],
    [("user", "Hi"), ("assistant", "Hello."), ("user", "And again?"), ("assistant", "Hello again.")],
    [("user", "Zwölf Boxkämpfer?\n\n  日本語 🎈"), ("assistant", "  Indented, ünïcode 🎈\nand a second line\n")],
    [("user", "x = 1\n\tif x:\n"), ("assistant", "\n\n{\"a\": [1, 2.50, \"ß\"]}")],
    [("system", "  spaces  "), ("user", "12345 67890"), ("assistant", "00.00 -- 1,000,000 ppm")],
]


def tokens(base, out):
    folder, file = os.path.split(os.path.abspath(base))
    tok = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    lines = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "conversations.jsonl")).read().splitlines()
    chats = [json.loads(line)["messages"] for line in lines[::10]]
    chats += [[{"role": role, "content": content} for role, content in chat] for chat in ODD]
    rows = []
    for chat in chats:
        prompt = tok.apply_chat_template(chat[:-1], tokenize=False, add_generation_prompt=True)
        x = tok(prompt, add_special_tokens=False).input_ids
        y = tok(chat[-1]["content"] + "<|im_end|>", add_special_tokens=False).input_ids
        rows.append({"messages": chat, "ids": x + y, "targets_from": len(x)})
    with open(out, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")
    print(len(rows), "examples")


def logits(model_dir, adapter, out):
    from peft import PeftModel
    from safetensors.torch import save_file

    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(model_dir, dtype=torch.float32)
    ids = torch.randint(3, base.config.vocab_size, (1, 16))
    with torch.no_grad():
        before = base(ids).logits[0]
        model = PeftModel.from_pretrained(base, adapter)
        loaded = sum("lora_" in name for name, _ in model.named_parameters())
        after = model(ids).logits[0]
    p = torch.log_softmax(after, -1)
    kl = (p.exp() * (p - torch.log_softmax(before, -1))).sum(-1).mean().item()
    save_file({"ids": ids[0].int(), "logits": after.contiguous()}, out)
    print(loaded, "tensors loaded, KL from the base", kl)


if __name__ == "__main__":
    {"tokens": tokens, "logits": logits}[sys.argv[1]](*sys.argv[2:])
