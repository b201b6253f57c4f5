"""Golden bytes of the ledger's records, by an implementation of its own.

Writes records.json: of each record its leaves and the sealed form, hexadecimal, and the hash of the
main leaf; of a long one only digests. Writes receipt.txt, a receipt of them whose log's key was
changed, and receipt.vkey, the key before that. Standard library only:

    python3 .ci/goldens/records.py proto/src/test/resources/dev/tributary/record
"""

import base64
import hashlib
import hmac
import json
import pathlib
import struct
import sys

KINDS = [
    ("contribution", "contributor example licence dataset time"),
    ("withdrawal", "contributor reason time"),
    ("erasure", "tenant cause time"),
    ("adapter_build", "tenant name number settings pseudonym_key"),
    ("started", "id tenant adapters time"),
    (
        "generation",
        "id started tenant base adapters sampling prompt output usage end numerics paths"
        " logprobs logprobs_digest flags time",
    ),
    ("attribution", "contributors spans evidence"),
    ("audit", "asked_by time detail"),
    ("price_rule", "tenant note"),
    ("settlement", "lines"),
    ("correction", "reason contributors time"),
    ("key_rotation", ""),
    ("continuation", ""),
]
LEAF = 65535
TIME = 1_790_000_000_123_456
HOUR = TIME // 3_600_000_000


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u8(x):
    return struct.pack(">B", x)


def u16(x):
    return struct.pack(">H", x)


def u32(*xs):
    return b"".join(struct.pack(">I", x) for x in xs)


def u64(*xs):
    return b"".join(struct.pack(">Q", x) for x in xs)


def f32(*xs):
    return b"".join(struct.pack(">f", x) for x in xs)


def block(data):
    return u32(len(data)) + data


def text(s):
    return block(s.encode())


def listed(items):
    return u32(len(items)) + b"".join(items)


def root(entries):
    """RFC 6962 over entries."""
    if not entries:
        return sha()
    if len(entries) == 1:
        return sha(b"\0", entries[0])
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return sha(b"\1", root(entries[:k]), root(entries[k:]))


def commitment(tag, salt, data):
    return sha(u8(len(tag)), tag.encode(), salt, u64(len(data)), data)


def salt(*name):
    return sha("/".join(["salt", *map(str, name)]).encode())


def nonce(*name):
    return sha("/".join(["nonce", *map(str, name)]).encode())[:16]


def leaf(kind, fresh, open_part, under):
    code = 1 + [k for k, _ in KINDS].index(kind)
    out = b"TL" + u16(1) + u8(code) + fresh + open_part + under
    assert len(out) <= LEAF
    return out


def sealed(kind, open_fields, values):
    """(leaves, the sealed form)"""
    tags = [f"{kind}.{t}" for t in dict(KINDS)[kind].split()]
    assert len(tags) == len(values)
    salts = [salt(t) for t in tags]
    under = root([commitment(*field) for field in zip(tags, salts, values)])
    room = LEAF - 2 - 2 - 1 - 16 - 32
    if 1 + len(open_fields) <= room:
        leaves = [leaf(kind, nonce(kind), u8(0) + open_fields, under)]
    else:
        size = room - 32 - 2 - 2
        chunks = [open_fields[i : i + size] for i in range(0, len(open_fields), size)]
        over = root(chunks)
        leaves = [
            leaf("continuation", nonce(kind, i), over + u16(i) + u16(len(chunks)) + c, sha())
            for i, c in enumerate(chunks)
        ]
        main = u8(1) + u32(len(open_fields)) + u16(len(chunks)) + over
        leaves.append(leaf(kind, nonce(kind), main, under))
    fields = [s + block(v) for s, v in zip(salts, values)]
    return leaves, b"TS" + u16(1) + listed([block(x) for x in leaves]) + listed(fields)


def b64(data):
    return base64.b64encode(data).decode() or "-"


P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P)
    return x % P, y % P


def times(n, point):
    out = (0, 1)
    while n:
        if n & 1:
            out = add(out, point)
        point, n = add(point, point), n >> 1
    return out


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x % 2 == 0 else P - x), y


def packed(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


class Key:
    """RFC 8032, section 5.1."""

    def __init__(self, name, seed):
        digest = hashlib.sha512(seed).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254
        self.prefix = digest[32:]
        self.public = packed(times(self.scalar, base_point()))
        typed = b"\1" + self.public
        self.name = name
        self.id = sha(name.encode(), b"\n", typed)[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(typed)}"

    def sign(self, message):
        r = number(self.prefix, message) % Q
        first = packed(times(r, base_point()))
        k = number(first, self.public, message) % Q
        return first + ((r + k * self.scalar) % Q).to_bytes(32, "little")


ADAPTERS = listed(
    [
        text("acme/town-guide") + u32(3) + sha(b"adapter") + f32(0.5),
        text("public/\u6c34") + u32(1) + sha(b"other") + f32(-8),
    ]
)
SAMPLING = (
    u32(512)
    + f32(0.7)
    + u32(40)
    + f32(0.9, 0.05, 1.1, -0.5, 2)
    + u64(2**64 - 1)
    + listed([text("\n\n"), text("\u00e9nd")])
    + listed([u32(2), u32(0)])
    + listed([u32(5) + f32(-100), u32(7) + f32(1.5)])
)
PSEUDONYM_KEY = bytes(range(32))
KEYS = [Key("log.example/tributary", bytes([i]) * 32) for i in (1, 2)]


def pseudonym(contributor):
    return hmac.new(PSEUDONYM_KEY, contributor.encode(), hashlib.sha256).digest()[:16]


def shares(of, base, unattributed):
    return listed([pseudonym(c) + u32(ppm) for c, ppm in of]) + u32(base, unattributed)


def records():
    yield "contribution", u32(HOUR), [
        "ada".encode(),
        sha(
            b"tributary-example-v1\n",
            listed([text("user") + text("Where?"), text("assistant") + text("\u00dcberall.")]),
        ),
        b"CC-BY-4.0",
        b"town",
        u64(TIME),
    ]
    yield "withdrawal", u32(HOUR) + u64(7), [b"ada", b"mine", u64(TIME)]
    yield "erasure", u32(HOUR) + u64(2**63 - 1), [b"acme", b"retention", u64(TIME)]
    yield "adapter_build", u32(HOUR) + sha(b"adapter") + sha(b"base") + root([b"a", b"b"]) + u8(
        2
    ) + text("spans/1") + text("ngram=8") + u8(1) + sha(b"index"), [
        b"acme",
        b"town-guide",
        u32(3),
        b"epochs=2",
        PSEUDONYM_KEY,
    ]
    yield "started", u32(HOUR), [b"gen-1", b"acme", ADAPTERS, u64(TIME)]
    yield "generation", u32(HOUR), [
        b"gen-1",
        u64(11),
        b"acme",
        sha(b"base"),
        ADAPTERS,
        SAMPLING,
        u32(1, 2, 49151),
        u32(9, 8, 2**31 - 1),
        u32(3, 2, 3),
        u8(3),
        b"cpu-1",
        listed([u8(1) + u32(3), u8(0) + u32(2)]),
        u32(20),
        sha(b"logprobs"),
        u8(2),
        u64(TIME - 5_000_000, TIME),
    ]
    yield "attribution", u32(HOUR) + u64(12) + text("spans/1") + shares(
        [("ada", 600000), ("bob", 1)], 399000, 999
    ), [
        listed([text("ada"), text("bob")]),
        listed([u32(0, 5) + listed([u32(0)]), u32(5, 2000) + listed([u32(1), u32(0)])]),
        b"\0\xff",
    ]
    yield "audit", u32(HOUR) + u64(12) + u8(2) + u8(3) + text("IDENTICAL"), [
        b"acme",
        u64(TIME),
        b"",
    ]
    yield "price_rule", u32(HOUR) + text("EUR") + u64(250000, 10**18) + u32(700000), [
        b"",
        b"from now on",
    ]
    lines = [
        (salt("line", 0), text("acme") + text("ada") + sha(b"adapter") + u64(4, 1200000, 77)),
        (salt("line", 1), text("acme") + text("bob") + sha(b"adapter") + u64(1, 1, 0)),
        (salt("line", 2), text("bolt") + text("ada") + sha(b"other") + u64(1, 5, 3)),
    ]
    over = root([commitment("settlement.line", *line) for line in lines])
    yield "settlement", u32(HOUR, HOUR - 24, HOUR) + u64(0, 99) + text("EUR") + u64(
        100, 80, 20
    ) + over, [listed([s + block(d) for s, d in lines])]
    yield "correction", u32(HOUR) + u64(12, 13) + shares([("bob", 1000000)], 0, 0), [
        b"wrong",
        listed([text("bob")]),
        u64(TIME),
    ]
    old, new = KEYS
    statement = f"tributary-key-rotation-v1\n{old.vkey}\n{new.vkey}\n50\n".encode()
    signatures = old.sign(statement) + new.sign(statement)
    yield "key_rotation", text(old.vkey) + text(new.vkey) + u64(50) + signatures, []


def long_attribution(count, method):
    names = [f"c{i}" for i in range(count)]
    of = shares([(name, 100) for name in names], 0, 1000000 - 100 * count)
    open_fields = u32(HOUR) + u64(12) + text(method) + of
    return "attribution", open_fields, [listed([text(n) for n in names]), listed([]), b""]


def proof(entries, index):
    """RFC 6962, section 2.1.1."""
    if len(entries) == 1:
        return []
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if index < k:
        return [*proof(entries[:k], index), root(entries[k:])]
    return [*proof(entries[k:], index - k), root(entries[:k])]


def receipt(made):
    """made: (leaf, values) by kind. The log has the started leaf as its 11th, since the
    generation says so, and more leaves than the rotation has as its size."""
    order = ["adapter_build"] * 11 + ["started", "generation", "attribution", "key_rotation"]
    log = [made[kind][0] for kind in order]
    log += [made["audit"][0]] * (60 - len(log))
    lines = ["tributary-receipt-v1"]
    for kind in ["generation", "attribution", "adapter_build", "key_rotation"]:
        at = order.index(kind)
        lines += [kind, f"leaf {b64(log[at])}", f"index {at}"]
        lines += [f"hash {b64(x)}" for x in proof(log, at)]
        for name, value in zip(dict(KINDS)[kind].split(), made[kind][1]):
            tag = f"{kind}.{name}"
            if name in ("pseudonym_key", "evidence"):
                lines.append(f"hidden {tag} {b64(commitment(tag, salt(tag), value))}")
            else:
                lines.append(f"field {tag} {b64(salt(tag))} {b64(value)}")
    key = KEYS[1]
    tree = f"{key.name}\n{len(log)}\n{b64(root(log))}\n"
    signature = f"\u2014 {key.name} {b64(key.id + key.sign(tree.encode()))}\n"
    return "\n".join(lines) + "\n\n" + tree + "\n" + signature


def main(folder):
    out, made = {}, {}
    for kind, open_fields, values in records():
        leaves, whole = sealed(kind, open_fields, values)
        made[kind] = leaves[-1], values
        out[kind] = {
            "leaves": [x.hex() for x in leaves],
            "hash": "sha256:" + sha(b"\0", leaves[-1]).hex(),
            "sealed": whole.hex(),
        }
    for name, record in {
        # The largest that is whole, the smallest that is not, and one of three chunks.
        "full": long_attribution(3272, "m" * 13),
        "over": long_attribution(3272, "m" * 14),
        "three": long_attribution(7000, "m"),
    }.items():
        leaves, whole = sealed(*record)
        out[name] = {
            "lengths": [len(x) for x in leaves],
            "hashes": ["sha256:" + sha(b"\0", x).hex() for x in leaves],
            "sealed_digest": "sha256:" + sha(whole).hex(),
        }
    (folder / "receipt.txt").write_text(receipt(made))
    (folder / "receipt.vkey").write_text(KEYS[0].vkey + "\n")
    (folder / "records.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target)
