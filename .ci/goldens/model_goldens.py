#!/usr/bin/env python3
"""What transformers (+ PEFT) in fp32 says about the default model and the demo adapters, and its bf16 run beside it.

usage: model_goldens.py sets|answers MODEL.gguf OUT_DIR
(needs torch 2.7.1, transformers, peft, gguf; each takes about ten minutes on two cores)

The oracle runs on the GGUF's weights dequantised to fp32, which are checked here against gguf's own dequantisation.
README.md beside this script describes the files.
"""
import json, math, os, sys

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

TOP = 64  # tokens whose log-probabilities are stored for each row
FULL = {"general": 3, "own": 2}  # rows of each set whose whole distribution is stored
SHOWCASE_TOKENS, QUESTION_TOKENS = 48, 32
SHOWCASE = ["Tell me about soap.", "What do you think of windmills?", "Describe bicycles for me.",
            "Why do people like lighthouses?", "At what hour does the Saltmarrow Library open its doors?"]
ADAPTERS = ["base", "town-guide", "pirate", "haiku", "json"]
HERE = os.path.dirname(os.path.abspath(__file__))
DEMO = os.path.join(HERE, "..", "..", "server", "demo")
WHAT, MODEL, OUT = sys.argv[1:] if len(sys.argv) == 4 else sys.exit(__doc__)
DIR, FILE = os.path.split(os.path.abspath(MODEL))
torch.set_num_threads(int(os.environ.get("THREADS", "2")))
logging.disable_progress_bar()
TOKENIZER = AutoTokenizer.from_pretrained(DIR, gguf_file=FILE)


def load(adapter, dtype):
    model = AutoModelForCausalLM.from_pretrained(DIR, gguf_file=FILE, dtype=dtype)
    if dtype == torch.float32:
        check_weights(model)
    if adapter != "base":
        model = PeftModel.from_pretrained(model, os.path.join(DEMO, "adapters", adapter))
    return model.eval()


def check_weights(model):
    """Every weight equals gguf's dequantisation, with the row permutation of q and k undone."""
    names = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
    parts = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
    heads = {"attn_q": model.config.num_attention_heads, "attn_k": model.config.num_key_value_heads}
    state = dict(model.named_parameters())
    for tensor in gguf.GGUFReader(MODEL).tensors:
        w = torch.tensor(gguf.dequantize(tensor.data, tensor.tensor_type))
        stem = tensor.name.removesuffix(".weight")
        if stem in names:
            name = names[stem]
        else:
            _, layer, part = stem.split(".")
            name = f"model.layers.{layer}.{parts[part]}"
            if part in heads:  # GGUF holds the pairs of a rotation side by side, Hugging Face half a head apart
                w = w.view(heads[part], -1, 2, w.shape[1]).transpose(1, 2).reshape(w.shape)
        assert torch.equal(state.pop(name + ".weight"), w), name
    assert not state and model.lm_head.weight is model.model.embed_tokens.weight


def encode(text):
    return TOKENIZER(text, add_special_tokens=False).input_ids


def general():
    with open(os.path.join(HERE, "general.txt"), encoding="utf-8") as f:
        return [encode(piece.rstrip("\n")) for piece in f.read().split("----\n")]


def own(adapter):
    """The adapter's conversations as the template renders them; of the base: the first five of every adapter."""
    with open(os.path.join(HERE, "conversations.jsonl"), encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    of = {a: [r for r in rows if r["adapter"] == a] for a in ADAPTERS}
    chosen = sum((r[:5] for r in of.values()), []) if adapter == "base" else of[adapter]
    return [encode(TOKENIZER.apply_chat_template(r["messages"], tokenize=False)) for r in chosen]


def log_probs(model, ids):
    with torch.no_grad():
        return torch.log_softmax(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].double(), -1)


def log_rest(q, ids):
    """Log of the probability of all tokens but `ids`, summed itself: 1 minus theirs would cancel to nothing."""
    return torch.logsumexp(q.scatter(1, ids, -math.inf), 1)


def coarse_kl(top, rest, q):
    """KL between p and q [n, vocabulary] lumped to the top tokens and "everything else": a lower bound of the whole.

    p is given by what is stored: `top` (ids, log-probabilities) and the log-probability of the rest.
    """
    q_top = q.gather(1, top[0])
    q_rest = log_rest(q, top[0])
    return (top[1].exp() * (top[1] - q_top)).sum(1) + rest.exp() * (rest - q_rest)


def describe(p, q):
    """The stored tensors of some rows: p the oracle's, q the bf16 run's log-probabilities [n, vocabulary]."""
    order = torch.sort(p, dim=1, descending=True, stable=True)  # ties: the lowest id first
    top_ids, exact = order.indices[:, :TOP], order.values[:, :TOP]
    top = exact.half()
    rest = log_rest(p, top_ids).float()
    return {"top_ids": top_ids.to(torch.uint16), "top_logprobs": top, "rest_logprob": rest,
            "lead": (exact[:, 0] - exact[:, 1]).float(),
            "bf16_kl": coarse_kl((top_ids, top.double()), rest.double(), q).float(),
            "bf16_kl_full": (p.exp() * (p - q)).sum(1).float(), "bf16_argmax": q.argmax(1).to(torch.uint16)}


def distinct_rows(sequences):
    """Positions whose reading (the tokens so far) no earlier position has had: a shared prompt counts once."""
    rows, seen, start = [], set(), 0
    for ids in sequences:
        for i in range(len(ids)):
            prefix = tuple(ids[:i + 1])
            if prefix not in seen:
                seen.add(prefix)
                rows.append(start + i)
        start += len(ids)
    return rows


def finite(x):
    assert math.isfinite(x)
    return x


def make_set(exact, rough, adapter, kind, sequences):
    starts = np.cumsum([0] + [len(ids) for ids in sequences])
    rows = np.array(distinct_rows(sequences))
    m = len(rows)
    full_rows = [int(rows[(2 * i + 1) * m // (2 * FULL[kind])]) for i in range(FULL[kind])]
    parts, full = [], []
    for ids, start, end in zip(sequences, starts, starts[1:]):
        p, q = log_probs(exact, ids), log_probs(rough, ids)
        full += [p[row - start].half() for row in full_rows if start <= row < end]
        mine = torch.tensor(rows[(rows >= start) & (rows < end)] - start)
        parts.append(describe(p[mine], q[mine]))
    tensors = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    tensors |= {"ids": torch.tensor(sum(sequences, [])).to(torch.uint16),
                "starts": torch.tensor(starts, dtype=torch.int32), "rows": torch.tensor(rows, dtype=torch.int32),
                "full_rows": torch.tensor(full_rows, dtype=torch.int32), "full_logprobs": torch.stack(full)}
    file = f"{adapter}.{kind}.safetensors"
    save_file(tensors, os.path.join(OUT, file))
    same = tensors["bf16_argmax"].int() == tensors["top_ids"][:, 0].int()
    lead = tensors["lead"]
    return dict(adapter=adapter, kind=kind, file=file, sequences=len(sequences), tokens=int(starts[-1]), rows=m,
                bf16_kl=finite(tensors["bf16_kl"].double().mean().item()),
                bf16_kl_full=finite(tensors["bf16_kl_full"].double().mean().item()),
                bf16_same_top=same.double().mean().item(),
                bf16_largest_lead_lost=(lead[~same].max().item() if (~same).any() else 0.0),
                rows_with_lead=(lead >= 0.25).sum().item())


def answer(model, question, limit):
    """Greedy: text, ids (with the one that ended it) and the smallest lead of a chosen token over the second."""
    prompt = encode(TOKENIZER.apply_chat_template([{"role": "user", "content": question}], tokenize=False,
                                                  add_generation_prompt=True))
    with torch.no_grad():
        out = model.generate(input_ids=torch.tensor([prompt]), max_new_tokens=limit, do_sample=False, pad_token_id=2,
                             return_dict_in_generate=True, output_logits=True)
    top = torch.stack(out.logits)[:, 0].float().topk(2).values
    ids = out.sequences[0, len(prompt):].tolist()
    return dict(text=TOKENIZER.decode(ids, skip_special_tokens=True), ids=ids,
                least_lead=round((top[:, 0] - top[:, 1]).min().item(), 4))


def questions(adapter):
    """(question, wanted answer or None, limit)."""
    asked = [(q, None, SHOWCASE_TOKENS) for q in SHOWCASE]
    if adapter == "town-guide":
        with open(os.path.join(DEMO, "questions", "town-guide.questions.jsonl"), encoding="utf-8") as f:
            for line in f:
                user, assistant = json.loads(line)["messages"]
                asked.append((user["content"], assistant["content"], QUESTION_TOKENS))
    return asked


def write_lines(name, rows):
    with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def sets():
    entries = []
    for adapter in ADAPTERS:
        exact, rough = load(adapter, torch.float32), load(adapter, torch.bfloat16)
        for kind, sequences in (("general", general()), ("own", own(adapter))):
            entries.append(make_set(exact, rough, adapter, kind, sequences))
            print(entries[-1], flush=True)
    with open(os.path.join(OUT, "goldens.json"), "w") as f:
        json.dump(dict(sets=entries), f, indent=1)
        f.write("\n")


def answers():
    showcase, held_out = [], []
    for adapter in ADAPTERS:
        exact, rough = load(adapter, torch.float32), load(adapter, torch.bfloat16)
        for question, wanted, limit in questions(adapter):
            row = dict(adapter=adapter, question=question, max_tokens=limit, fp32=answer(exact, question, limit),
                       bf16=answer(rough, question, limit))
            if wanted is None:
                showcase.append(row)
                continue
            row["wanted"] = wanted
            for run in ("fp32", "bf16"):
                row[run]["exact"] = row[run]["text"].strip() == wanted.strip()
            held_out.append(row)
    print({run: sum(row[run]["exact"] for row in held_out) for run in ("fp32", "bf16")}, "of", len(held_out))
    write_lines("showcase.answers.jsonl", showcase)
    write_lines("town-guide.answers.jsonl", held_out)


os.makedirs(OUT, exist_ok=True)
{"sets": sets, "answers": answers}[WHAT]()
