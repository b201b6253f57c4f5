#!/usr/bin/env python3
"""What llama.cpp does with the same base, adapter and threads: decode and prefill speed, as a table and as JSON.

usage: llamacpp.py MODEL.gguf ADAPTER_DIR [--threads 2] [--repeat 3] [--json FILE | --serve]

The base is requantised to Q4_0 (llama.cpp's fastest 4-bit kind on CPUs), the PEFT adapter is converted to GGUF. Every
figure is the best of REPEAT runs. Needs llama-cpp-python 0.3.36, gguf, safetensors, torch. A build for the machine's
own CPU is llama.cpp at its best; where its AMX code crashes, build without:
  CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX512=ON -DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON -DGGML_AVX512_BF16=ON
  -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON" pip install llama-cpp-python==0.3.36

With --serve (for `tributary-server bench peer`) it writes what it is as one line of JSON, then for each line that it
reads, such as "decode 8 one", "decode 32 different" or "prefill 512 none", the tokens a second as one line.
"""
import argparse, ctypes, json, os, re, sys, tempfile, time

import gguf
import llama_cpp as L
import numpy as np
from safetensors.torch import load_file

ROWS = (1, 8, 32)
PROMPT, WARMUP, STEPS, PREFILL = 64, 4, 48, 512
LINEAR = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
          "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}


def convert(adapter, base, out):
    """Writes a PEFT LoRA as a GGUF adapter for `base`, a Llama GGUF, whose q and k rows are in interleaved order."""
    with open(os.path.join(adapter, "adapter_config.json")) as f:
        config = json.load(f)
    for key in ("use_dora", "rank_pattern", "alpha_pattern", "modules_to_save"):
        if config.get(key):
            raise SystemExit(f"{adapter}: {key} is not converted")
    fields = gguf.GGUFReader(base).fields
    heads = {"q_proj": int(fields["llama.attention.head_count"].contents()),
             "k_proj": int(fields["llama.attention.head_count_kv"].contents())}
    # llama.cpp scales by alpha / r; rsLoRA's is alpha / sqrt(r)
    alpha = config["lora_alpha"] * (config["r"] ** 0.5 if config.get("use_rslora") else 1)
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(alpha))
    for name, tensor in sorted(load_file(os.path.join(adapter, "adapter_model.safetensors")).items()):
        layer, module, part = re.search(r"layers\.(\d+)\.\w+\.(\w+)\.lora_(A|B)\.weight$", name).groups()
        x = tensor.float().numpy()
        if part == "B" and module in heads:  # half a head apart -> side by side
            x = x.reshape(heads[module], 2, -1, x.shape[1]).swapaxes(1, 2).reshape(x.shape)
        writer.add_tensor(f"blk.{layer}.{LINEAR[module]}.weight.lora_{part.lower()}",
                          np.ascontiguousarray(x.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def requantise(source, out, threads):
    params = L.llama_model_quantize_default_params()
    params.ftype, params.nthread, params.allow_requantize = L.LLAMA_FTYPE_MOSTLY_Q4_0, threads, True
    if L.llama_model_quantize(source.encode(), out.encode(), ctypes.byref(params)) != 0:
        raise SystemExit("llama.cpp could not requantise the base")


class Session:
    """One context with room for `rows` sequences, and one batch of tokens (id, position, row, logits wanted)."""

    def __init__(self, model, rows, context, threads):
        params = L.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = context * rows, 2048, 512, rows
        params.n_threads = params.n_threads_batch = threads
        self.context = L.llama_init_from_model(model, params)
        if not self.context:
            raise SystemExit("llama.cpp made no context")
        self.batch = L.llama_batch_init(2048, 0, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        L.llama_batch_free(self.batch)
        L.llama_free(self.context)

    def adapter(self, lora):
        handles = (L.llama_adapter_lora_p_ctypes * 1)(lora)
        if L.llama_set_adapters_lora(self.context, handles, 1 if lora else 0, (ctypes.c_float * 1)(1.0)) != 0:
            raise SystemExit("llama.cpp refused the adapter")

    def decode(self, tokens):
        b = self.batch
        b.n_tokens = len(tokens)
        for i, (token, position, row, wanted) in enumerate(tokens):
            b.token[i], b.pos[i], b.n_seq_id[i], b.seq_id[i][0], b.logits[i] = token, position, 1, row, wanted
        if L.llama_decode(self.context, b) != 0:
            raise SystemExit("llama.cpp could not decode")
        return L.llama_get_logits_ith(self.context, len(tokens) - 1)  # waits for the result

    def clear(self):
        L.llama_memory_clear(L.llama_get_memory(self.context), True)


def decode_speed(model, rows, lora, a):
    """Tokens a second of steps with one token of each row; `lora` None, one adapter, or one for each row."""
    many = isinstance(lora, list)
    with Session(model, rows, 256, a.threads) as s:
        if not many:
            s.adapter(lora)
        best = 0.0
        for _ in range(a.repeat):
            s.clear()
            for row in range(rows):
                if many:
                    s.adapter(lora[row])
                s.decode([(1000 + 7 * row + i, i, row, i == PROMPT - 1) for i in range(PROMPT)])
            steps = WARMUP + (STEPS if rows < 32 else STEPS // 2)
            for k in range(steps):
                if k == WARMUP:
                    start = time.perf_counter()
                step = [(2000 + k, PROMPT + k, row, True) for row in range(rows)]
                if many:  # a context has one set of adapters: rows with different ones cannot share a step
                    for row in range(rows):
                        s.adapter(lora[row])
                        s.decode([step[row]])
                else:
                    s.decode(step)
            best = max(best, rows * (steps - WARMUP) / (time.perf_counter() - start))
        return best


def prefill_speed(model, lora, a):
    with Session(model, 1, 1024, a.threads) as s:
        s.adapter(lora)
        best = 0.0
        for _ in range(a.repeat + 1):
            s.clear()
            start = time.perf_counter()
            s.decode([(1000 + i, i, 0, i == PREFILL - 1) for i in range(PREFILL)])
            best = max(best, PREFILL / (time.perf_counter() - start))
        return best


def answer(model, lora, a):
    """Greedy, 24 tokens: shows that the adapter is applied."""
    vocabulary = L.llama_model_get_vocab(model)
    text = (b"<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
            b"<|im_start|>user\nTell me about soap.<|im_end|>\n<|im_start|>assistant\n")
    ids = (L.llama_token * 256)()
    n = L.llama_tokenize(vocabulary, text, len(text), ids, 256, False, True)
    said, piece = b"", ctypes.create_string_buffer(64)
    with Session(model, 1, 512, a.threads) as s:
        s.adapter(lora)
        logits = s.decode([(ids[i], i, 0, i == n - 1) for i in range(n)])
        for k in range(24):
            token = int(np.ctypeslib.as_array(logits, (L.llama_vocab_n_tokens(vocabulary),)).argmax())
            if L.llama_vocab_is_eog(vocabulary, token):
                break
            length = L.llama_token_to_piece(vocabulary, token, piece, 64, 0, False)
            said += piece.raw[:length]
            logits = s.decode([(token, n + k, 0, True)])
    return said.decode(errors="replace")


def measure(model, loras, a):
    figures = {}
    for name, lora in (("none", None), ("one", loras[0])):
        for rows in ROWS:
            figures[f"decode, {rows} rows, LoRA: {name}"] = decode_speed(model, rows, lora, a)
        figures[f"prefill {PREFILL}, LoRA: {name}"] = prefill_speed(model, lora, a)
    figures[f"decode, {len(loras)} rows, LoRA: {len(loras)} different"] = decode_speed(model, len(loras), loras, a)
    return {key: round(value, 1) for key, value in figures.items()}


def serve(model, loras, a, facts):
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        kind, count, name = line.split()
        lora = {"none": None, "one": loras[0], "different": loras[:int(count)]}[name]
        if kind == "prefill" and int(count) != PREFILL:
            raise SystemExit(f"prefill is of {PREFILL} tokens")
        speed = prefill_speed(model, lora, a) if kind == "prefill" else decode_speed(model, int(count), lora, a)
        print(json.dumps(speed), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("adapter")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--serve", action="store_true")
    a = parser.parse_args()

    @L.llama_log_callback
    def quiet(level, text, user):
        pass

    L.llama_backend_init()
    L.llama_log_set(quiet, ctypes.c_void_p(0))
    with tempfile.TemporaryDirectory() as directory:
        base, lora_file = os.path.join(directory, "base.gguf"), os.path.join(directory, "lora.gguf")
        requantise(a.model, base, a.threads)
        convert(a.adapter, base, lora_file)
        model = L.llama_model_load_from_file(base.encode(), L.llama_model_default_params())
        loras = [L.llama_adapter_lora_init(model, lora_file.encode()) for _ in range(32)]
        if not model or not all(loras):
            raise SystemExit("llama.cpp could not load the base or the adapter")
        result = dict(peer="llama.cpp", binding=L.__version__, threads=a.threads, base="Q4_0",
                      base_bytes=os.path.getsize(base), adapter=os.path.basename(os.path.normpath(a.adapter)),
                      features=L.llama_print_system_info().decode(),
                      answers=dict(base=answer(model, None, a), adapter=answer(model, loras[0], a)))
        if a.serve:
            return serve(model, loras, a, result)
        result["tokens_per_second"] = measure(model, loras, a)
    width = max(map(len, result["tokens_per_second"]))
    for key, value in result["tokens_per_second"].items():
        print(f"{key:<{width}}  {value:>8.1f} tok/s")
    text = json.dumps(result, indent=1)
    print(text)
    if a.json:
        with open(a.json, "w") as f:
            f.write(text + "\n")


main()
