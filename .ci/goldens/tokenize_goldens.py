"""Writes what transformers makes of texts and conversations: the goldens of the tokenizer's tests.

usage: tokenize_goldens.py templates DATA RESOURCES    DATA: the folder of .ci/fetch-templates.sh
       tokenize_goldens.py model MODEL.gguf RESOURCES  the default model's ids and decoded texts
       tokenize_goldens.py vocabularies DATA RESOURCES ids for the vocabularies in DATA
       tokenize_goldens.py directories - RESOURCES     small Hugging Face directories and their ids
       tokenize_goldens.py snippets - RESOURCES        small templates and what Jinja makes of them
RESOURCES is server/src/test/resources/tokenize.
"""
import datetime
import hashlib
import json
import os
import pathlib
import random
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import transformers
from transformers.utils import chat_template_utils

from tokenize_corpus import CORPUS

transformers.logging.set_verbosity_error()

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

# Templates the product promises; their renderings are kept in full.
PROMISED = {
    "TinyLlama-1.1B-Chat-v1.0.jinja",
    "meta-llama-Llama-3.1-8B-Instruct.jinja",
    "mistralai-Mistral-Nemo-Instruct-2407.jinja",
    "mistralai-Mistral-7B-Instruct-v0.2-mistralai-v1-template-with-a-system-prompt.inline.jinja",
    "Mistral-Small-3.2-24B-Instruct-2506.jinja",
    "Qwen-Qwen2.5-7B-Instruct.jinja",
    "Qwen-Qwen3-0.6B.jinja",
}


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 5, 14, 7, 9)


class Raised(Exception):
    pass


def render(template, conversation):
    """The rendering, or {"raised": message} from raise_exception, or {"fails": True}."""
    messages = [{k: v for k, v in m.items() if v is not None} for m in conversation["messages"]]
    try:
        compiled = chat_template_utils._cached_compile_jinja_template(template)

        def raise_exception(message):
            raise Raised(message)

        compiled.environment.globals["raise_exception"] = raise_exception
        compiled.globals["raise_exception"] = raise_exception
        return compiled.render(
            messages=messages,
            tools=conversation.get("tools"),
            documents=None,
            add_generation_prompt=conversation.get("add_generation_prompt", True),
            **SPECIAL,
            **conversation.get("vars", {}),
        )
    except Raised as e:
        return {"raised": str(e.args[0])}
    except Exception as e:  # whatever a template can do wrong
        return {"fails": f"{type(e).__name__}: {e}"}


def write(path, value):
    """One entry of the two outer levels per line, so that changes can be read."""
    outer = []
    for key, entry in value.items():
        pairs = [f"{line(k)}:{line(v)}" for k, v in entry.items()] if isinstance(entry, dict) else map(line, entry)
        brackets = "{}" if isinstance(entry, dict) else "[]"
        outer.append(f"{line(key)}: {brackets[0]}\n" + ",\n".join(pairs) + f"\n{brackets[1]}")
    path.write_text("{\n" + ",\n".join(outer) + "\n}\n", encoding="utf-8")


def line(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def templates(data, resources):
    chat_template_utils.datetime = FixedDatetime
    conversations = json.loads((resources / "conversations.json").read_text(encoding="utf-8"))
    files = sorted((data / "templates").glob("*.jinja")) + sorted((resources / "templates").glob("*.jinja"))
    goldens, texts = {}, {}
    for file in files:
        source = file.read_bytes().decode("utf-8")
        results = {c["name"]: render(source, c) for c in conversations}
        if file.name in PROMISED:
            texts[file.name] = results
        goldens[file.name] = {
            name: {"sha256": hashlib.sha256(r.encode()).hexdigest()[:16]} if isinstance(r, str) else r
            for name, r in results.items()
        }
    write(resources / "template-goldens.json", goldens)
    write(resources / "template-texts.json", texts)


def snippets(_, resources):
    """What Jinja makes of small templates; kept as text, a message of raise_exception, or a failure."""
    import tokenize_snippets

    chat_template_utils.datetime = FixedDatetime
    conversation = {"messages": [{"role": "user", "content": "  a<b \n"}, {"role": "assistant", "content": "Ünï"}]}
    results = []
    for snippet in tokenize_snippets.snippets():
        result = render(tokenize_snippets.PRELUDE + snippet, conversation)
        if isinstance(result, str) and (" object at 0x" in result or len(result) > 2000):
            continue  # addresses differ from run to run
        results.append([snippet, {"fails": True} if "fails" in result and not isinstance(result, str) else result])
    write(resources / "snippet-goldens.json", {"prelude": [tokenize_snippets.PRELUDE], "snippets": results})


def with_special(tokenizer, size):
    """The corpus, and every special or added token amid text."""
    added = [t.content for i, t in tokenizer.added_tokens_decoder.items() if i < size]
    some = added if len(added) < 40 else added[:20] + added[-20:]
    return CORPUS + [f"a{t}b" for t in some] + [f" {t}  {t}\n1" for t in some] + ["".join(some)]


def as_published(tokenizer, pre):
    """A GGUF names its pre-tokenizer; transformers' conversion knows a part of the names and leaves
    GPT-2's for the rest, and drops the normalizer. This restores what the models' own files have."""
    from tokenizers import normalizers, pre_tokenizers

    backend = tokenizer.backend_tokenizer
    if pre in ("smollm", "starcoder", "refact", "command-r"):
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    if pre in ("qwen2", "qwen35"):
        backend.normalizer = normalizers.NFC()
    return tokenizer


def random_sequences(tokenizer, size, count, seed):
    """Random ids, more of them bytes than chance would give."""
    rng = random.Random(seed)
    single = [i for i in range(size) if len(tokenizer.convert_ids_to_tokens(i) or "") == 1]
    fallback = [tokenizer.convert_tokens_to_ids(f"<0x{b:02X}>") for b in range(256)]
    single += [i for i in fallback if i]
    return [
        [rng.choice(single) if rng.random() < 0.7 else rng.randrange(size) for _ in range(rng.randrange(1, 12))]
        for _ in range(count)
    ]


def decoded(tokenizer, sequences):
    return [
        {"ids": s, "text": tokenizer.decode(s, skip_special_tokens=True, clean_up_tokenization_spaces=False)}
        for s in sequences
    ]


def encoded(tokenizer, texts):
    return [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False)} for t in texts]


def model(file, resources):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    texts = with_special(tokenizer, len(tokenizer))
    converted = encoded(tokenizer, texts)
    published = encoded(as_published(tokenizer, "smollm"), texts)
    chats = []
    for c in json.loads((resources / "conversations.json").read_text(encoding="utf-8")):
        ids = tokenizer.apply_chat_template(
            c["messages"], add_generation_prompt=c.get("add_generation_prompt", True), return_dict=False
        )
        chats.append({"name": c["name"], "ids": ids})
    sequences = random_sequences(tokenizer, len(tokenizer), 300, 1) + [e["ids"] for e in published]
    goldens = {
        "texts": published,
        "conversion differs": [p["text"] for p, c in zip(published, converted) if p != c],
        "chats": chats,
        "decoded": decoded(tokenizer, sequences),
    }
    write(resources / "model-goldens.json", goldens)


VOCABULARIES = ["gpt-2", "llama-bpe", "llama-spm", "qwen2", "qwen35", "starcoder", "refact", "command-r"]


def vocabularies(data, resources):
    from transformers import PreTrainedTokenizerFast
    from transformers.integrations.gguf.gguf_tokenizer_mapping import convert_gguf_tokenizer, get_gguf_tokenizer

    goldens = {}
    for name in VOCABULARIES:
        file = data / "vocabularies" / f"ggml-vocab-{name}.gguf"
        architecture, description, _ = get_gguf_tokenizer(str(file))
        backend, _ = convert_gguf_tokenizer(architecture, description)
        pre = description.get("pre_tokenizer_type")
        if pre == "llama-bpe":
            backend.model.ignore_merges = True
        size = len(description["tokens"])  # the conversion adds GPT-2's own special tokens behind them
        tokenizer = as_published(PreTrainedTokenizerFast(tokenizer_object=backend), pre)
        goldens[f"{name} texts"] = encoded(tokenizer, with_special(tokenizer, size))
        goldens[f"{name} decoded"] = decoded(tokenizer, random_sequences(tokenizer, size, 150, 2))
    write(resources / "vocabulary-goldens.json", goldens)


TEMPLATE = """{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>
{{ message.content | trim }}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}"""


def train(backend, trainer):
    backend.train_from_iterator(CORPUS * 3, trainer)
    return backend


def byte_level(resources):
    """A small byte-level BPE tokenizer as Llama 3 and Qwen have them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    backend = Tokenizer(models.BPE(ignore_merges=True))
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    train(backend, trainer)
    backend.add_special_tokens(["<|begin|>", "<|end|>"])
    backend.add_tokens([AddedToken("<think>", normalized=False, special=False)])
    backend.add_special_tokens(
        [AddedToken("<|user|>", rstrip=True), AddedToken("<|assistant|>", lstrip=True), AddedToken("<|eom|>")]
    )
    begin = backend.token_to_id("<|begin|>")
    backend.post_processor = processors.TemplateProcessing(
        single="<|begin|> $A", pair="<|begin|> $A $B", special_tokens=[("<|begin|>", begin)]
    )
    return backend, {"bos_token": "<|begin|>", "eos_token": "<|end|>"}, [backend.token_to_id("<|end|>"), backend.token_to_id("<|eom|>")]


def sentence_piece(legacy):
    """A small SentencePiece BPE as Llama 2 has it: spaces as U+2581, bytes for what is unknown."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    special = ["<unk>", "<s>", "</s>"]
    learner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    learner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=special + [f"<0x{b:02X}>" for b in range(256)],
        limit_alphabet=90,
        show_progress=False,
    )
    train(learner, trainer)
    # The byte tokens are plain entries of the vocabulary, only the first three are special.
    learned = json.loads(learner.to_str())["model"]
    backend = Tokenizer(
        models.BPE(
            vocab=learned["vocab"],
            merges=[tuple(m) for m in learned["merges"]],
            unk_token="<unk>",
            byte_fallback=True,
            fuse_unk=True,
        )
    )
    if legacy:
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    else:
        backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    backend.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    from tokenizers import AddedToken

    backend.add_special_tokens([AddedToken(t, normalized=False) for t in special])
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]
    )
    return backend, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, 2


def directories(_, resources):
    from transformers import PreTrainedTokenizerFast

    goldens = {}
    for name, (backend, special, stops) in {
        "byte-level": byte_level(resources),
        "sentence-piece": sentence_piece(False),
        "sentence-piece-legacy": sentence_piece(True),
    }.items():
        folder = resources / "directories" / name
        folder.mkdir(parents=True, exist_ok=True)
        backend.save(str(folder / "tokenizer.json"), pretty=False)
        write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **special})
        write_json(folder / "generation_config.json", {"eos_token_id": stops})
        (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        texts = with_special(tokenizer, len(tokenizer))
        goldens[f"{name} texts"] = encoded(tokenizer, texts)
        goldens[f"{name} prompts"] = [{"text": t, "ids": tokenizer.encode(t)} for t in texts[:20]]
        goldens[f"{name} decoded"] = decoded(tokenizer, random_sequences(tokenizer, len(tokenizer), 150, 3))
        goldens[f"{name} chats"] = [
            {
                "name": c["name"],
                "ids": tokenizer.apply_chat_template(
                    c["messages"], add_generation_prompt=c.get("add_generation_prompt", True), return_dict=False
                ),
            }
            for c in json.loads((resources / "conversations.json").read_text(encoding="utf-8"))
        ]
    write(resources / "directory-goldens.json", goldens)


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main():
    mode, source, resources = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    modes = {"templates": templates, "model": model, "vocabularies": vocabularies, "directories": directories, "snippets": snippets}
    modes[mode](source, resources)


if __name__ == "__main__":
    main()
