"""Golden blocks of every GGUF tensor type: bytes, and what gguf-py dequantises them to.

Writes one GGUF file whose tensors are named after their types, with `NAME.expected` beside each as
float32. Needs numpy and gguf:

    python .ci/goldens/dequant_goldens.py server/src/test/resources/goldens/dequant
"""

import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

ROWS, COLS = 3, 512

# Byte offsets of the float16 numbers in a block: random bytes there would give NaN and infinity.
HALVES = {
    T.Q4_0: [0],
    T.Q4_1: [0, 2],
    T.Q5_0: [0],
    T.Q5_1: [0, 2],
    T.Q8_0: [0],
    T.Q4_K: [0, 2],
    T.Q5_K: [0, 2],
    T.Q6_K: [208],
}


def blocks(kind, random):
    """Random bytes with scales from 2^-24 (subnormal) to 2^4, of both signs, and some zeros."""
    size, width = gguf.GGML_QUANT_SIZES[kind]
    data = random.integers(0, 256, (ROWS * COLS // size, width), dtype=np.uint8)
    for at in HALVES[kind]:
        exponents = random.integers(-24, 4, len(data))
        halves = (random.uniform(-1, 1, len(data)) * 2.0**exponents).astype(np.float16)
        data[:, at : at + 2] = halves.view(np.uint8).reshape(-1, 2)
    return data.reshape(ROWS, -1)


def main(folder):
    random = np.random.default_rng(20260101)
    writer = gguf.GGUFWriter(folder / "blocks.gguf", "golden")
    for kind in [T.F32, T.F16, T.BF16, *HALVES]:
        if kind in HALVES:
            data = blocks(kind, random)
        elif kind == T.F32:
            data = random.normal(size=(ROWS, COLS)).astype(np.float32)
        elif kind == T.F16:
            data = (random.normal(size=(ROWS, COLS)) * 1e-4).astype(np.float16)
        else:
            data = quants.quantize(random.normal(size=(ROWS, COLS)).astype(np.float32), kind)
        expected = quants.dequantize(data, kind).astype(np.float32)
        assert expected.shape == (ROWS, COLS) and np.isfinite(expected).all()
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        writer.add_tensor(kind.name + ".expected", expected)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target)
