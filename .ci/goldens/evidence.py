"""Golden bytes of attribution evidence and the shares that follow, by an implementation of its own.

Writes evidence.json: cases of values, their encoding in hexadecimal, and the division. Standard
library only:

    python3 .ci/goldens/evidence.py proto/src/test/resources/dev/tributary/record
"""

import collections
import json
import pathlib
import random
import struct
import sys

LIMITS = ["NONE", "TOO_LONG", "BACKLOG", "NO_INFLUENCE", "SEVERAL_ADAPTERS", "EMPTY"]
NAMES = ["town hall", "library", "\u6c34\u65cf\u9928", "\U0001f33e farm", "\uffee", "zoo"]
BIASED = -1


def u32(*xs):
    return b"".join(struct.pack(">I", x) for x in xs)


def listed(items):
    items = list(items)
    return u32(len(items)) + b"".join(items)


def text(s):
    return u32(len(s.encode())) + s.encode()


def token(mass):
    short = {0: b"\0", 65536: b"\1", BIASED: b"\2"}
    return short[mass] if mass in short else b"\3" + struct.pack(">H", mass)


def encode(case):
    spans = [
        u32(*s["positions"], s["places"]) + listed(map(u32, s["sources"])) + bytes([s["echo"]])
        for s in case["spans"]
    ]
    return (
        bytes([1, 1 + LIMITS.index(case["limit"])])
        + u32(case["threshold"])
        + listed(map(token, case["tokens"]))
        + listed(map(text, case["contributors"]))
        + listed(u32(k, c) + struct.pack(">i", s) for k, c, s in case["sources"])
        + listed(spans)
    )


def divide(case):
    """Token by token, in the words of the rule; 64 binary places."""
    one = 1 << 64
    groups = collections.Counter()
    base = 0
    for at, mass in enumerate(case["tokens"]):
        if mass == BIASED:
            continue
        base += (65536 - mass) * one
        candidates = set()
        for s in case["spans"]:
            if s["positions"][0] <= at < s["positions"][1] and not s["echo"]:
                candidates |= set(s["sources"])
        groups[frozenset(candidates or range(len(case["sources"])))] += mass
    credited = collections.Counter()
    for candidates, mass in groups.items() if case["limit"] == "NONE" else ():
        excess = collections.Counter()
        for i in candidates:
            _, contributor, score = case["sources"][i]
            excess[contributor] += max(0, score - case["threshold"])
        divisor = case["threshold"] + sum(excess.values())
        for contributor, e in excess.items():
            credited[case["contributors"][contributor]] += mass * one * e // divisor if e else 0
    whole = len(case["tokens"]) * 65536 * one
    if not whole:
        return [], 0, 1_000_000
    order = sorted(credited, key=str.encode)
    masses = [credited[name] for name in order] + [base]
    masses.append(whole - sum(masses))
    ppm = [m * 1_000_000 // whole for m in masses]
    ranked = sorted(range(len(ppm)), key=lambda i: -(masses[i] * 1_000_000 % whole))
    for i in ranked[: 1_000_000 - sum(ppm)]:
        ppm[i] += 1
    parts = [[name, part] for name, part in zip(order, ppm) if part]
    return sorted(parts, key=lambda p: -p[1]), ppm[-2], ppm[-1]


def drawn(seed):
    r = random.Random(seed)
    tokens = [
        r.choice([0, 65536, BIASED, 1, 65535, r.randrange(65537), r.randrange(65537)])
        for _ in range((7, 40, 40, 40, 1, 0)[seed % 6])
    ]
    contributors = r.sample(NAMES, r.randint(1, len(NAMES)))
    clusters = sorted(r.sample(range(1000), (12, 3, 12, 0)[seed % 4])) if seed else [0, 2**31 - 1]
    # Some scores twice, and in some cases the largest.
    few = [r.randint(-(2**20), 2**20), 3 << 18, r.randint(0, 2**20)] + [2**31 - 1] * (seed % 5 == 0)
    sources = [[k, r.randrange(len(contributors)), r.choice(few)] for k in clusters]
    spans = {}
    for _ in range(r.randint(0, 5) if tokens else 2):
        start, end = sorted(r.sample(range(len(tokens) + (2 if not tokens else 1)), 2))
        spans[start, end, 4 * start, 4 * end + 1] = {
            "positions": [start, end, 4 * start, 4 * end + 1],
            "places": r.randint(1, 9),
            "sources": sorted(r.sample(range(len(sources)), r.randint(0, min(3, len(sources))))),
            "echo": r.random() < 0.2,
        }
    case = {
        "threshold": r.choice([0, 1, 2**18, r.randint(0, 2**19)]),
        "limit": LIMITS[seed % 6] if seed >= 24 else "NONE",
        "tokens": tokens,
        "contributors": contributors,
        "sources": sources,
        "spans": [spans[k] for k in sorted(spans)],
    }
    parts, base, unattributed = divide(case)
    return case | {
        "encoded": encode(case).hex(),
        "parts": parts,
        "base": base,
        "unattributed": unattributed,
    }


def main(folder):
    cases = [drawn(seed) for seed in range(36)]
    text = "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
    (folder / "evidence.json").write_text(text)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target)
