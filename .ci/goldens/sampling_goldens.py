"""Distributions that transformers' logits processors leave, for SamplerGoldenTest.

Where transformers' order is the API's (bias, repetition penalty, temperature, top-k, top-p, min-p),
its float32 probabilities are the oracle. Cases in which a token stands within 1e-5 of a bound are
left out: which side it falls on is a matter of rounding there.

Usage: python sampling_goldens.py server/src/test/resources/goldens/sampling/transformers.json
"""

import json
import sys

import torch
import transformers
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

VOCABULARY = 96
CASES = 60


def near_a_bound(case, logits, ids):
    """Whether top-p's or min-p's cut is too close to call."""
    scores = process(dict(case, top_p=1.0, min_p=0.0), logits, ids)
    ranked = torch.softmax(scores.double(), -1).sort(descending=True).values[0]
    close_p = (ranked.cumsum(0) - case["top_p"]).abs().min() < 1e-5
    close_min = (ranked / ranked[0] - case["min_p"]).abs().min() < 1e-5
    return case["top_p"] < 1 and bool(close_p) or case["min_p"] > 0 and bool(close_min)


def process(case, logits, ids):
    steps = LogitsProcessorList()
    if case["logit_bias"]:
        steps.append(SequenceBiasLogitsProcessor({(i,): b for i, b in case["logit_bias"]}))
    if case["repetition_penalty"] != 1:
        steps.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    steps.append(TemperatureLogitsWarper(case["temperature"]))
    if case["top_k"]:
        steps.append(TopKLogitsWarper(case["top_k"]))
    if case["top_p"] < 1:
        steps.append(TopPLogitsWarper(case["top_p"]))
    if case["min_p"]:
        steps.append(MinPLogitsWarper(case["min_p"]))
    return steps(ids, logits.clone())


def main(path):
    random = torch.Generator().manual_seed(20260101)

    def pick(*values):
        return values[int(torch.randint(len(values), (1,), generator=random))]

    cases = []
    while len(cases) < CASES:
        # Multiples of 1/64: exact in JSON's few digits.
        logits = (torch.randn(1, VOCABULARY, generator=random) * 4 * 64).round() / 64
        ids = torch.randint(VOCABULARY, (1, 12), generator=random)
        case = {
            "temperature": pick(0.25, 0.7, 1.0, 1.5, 4.0),
            "top_k": pick(0, 0, 2, 5, 40),
            "top_p": pick(1.0, 0.1, 0.5, 0.9, 0.95),
            "min_p": pick(0.0, 0.0, 0.02, 0.1, 0.5),
            "repetition_penalty": pick(1.0, 1.0, 1.2, 0.8, 2.0),
            "logit_bias": pick([], [[3, 5.0], [7, -100.0], [11, 0.5]]),
        }
        if logits.unique().numel() < VOCABULARY and case["top_k"]:
            values = logits[0].sort(descending=True).values
            if values[case["top_k"] - 1] == values[case["top_k"]]:
                continue  # transformers keeps all that tie; the API says the lowest id.
        if near_a_bound(case, logits, ids):
            continue
        probabilities = torch.softmax(process(case, logits, ids), -1)[0]
        kept = [
            [i, float(f"{p:.7g}")] for i, p in enumerate(probabilities.tolist()) if p > 0
        ]
        cases.append(
            {
                **case,
                "prompt": ids[0, :8].tolist(),
                "output": ids[0, 8:].tolist(),
                "logits": logits[0].tolist(),
                "probabilities": kept,
            }
        )
    with open(path, "w") as out:
        versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        out.write('{"versions": ' + json.dumps(versions) + ', "cases": [\n')
        out.write(",\n".join(json.dumps(case) for case in cases))
        out.write("\n]}\n")


if __name__ == "__main__":
    main(sys.argv[1])
