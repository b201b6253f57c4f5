// The ledger's records as their leaves have them; the Java package dev.tributary.record says every byte. Whatever has
// another form than that is refused.
import { concat, equal, hex, require, root, sha256, text, utf8, verifierKey } from "./tlog.js";

export const KINDS = {
  adapter_build: { code: 4, fields: ["tenant", "name", "number", "settings", "pseudonym_key"] },
  generation: {
    code: 6,
    fields: [
      "id", "started", "tenant", "base", "adapters", "sampling", "prompt", "output", "usage", "end", "numerics",
      "paths", "logprobs", "logprobs_digest", "flags", "time",
    ],
  },
  attribution: { code: 7, fields: ["contributors", "spans", "evidence"] },
  key_rotation: { code: 12, fields: [] },
  continuation: { code: 13, fields: [] },
};
for (const [word, kind] of Object.entries(KINDS)) {
  kind.word = word;
  kind.tags = kind.fields.map((field) => `${word}.${field}`);
}

const ENDS = [
  "stop", "length", "stop sequence", "time limit", "cancelled", "deadline", "disconnected", "failed", "interrupted",
];
const PROVENANCES = ["trained here", "reproduced", "claimed"];
const MAX_LEAF = 65_535;
const MAX_OPEN = MAX_LEAF - 2 - 2 - 1 - 16 - 32;
const MAX_CHUNKS = 128;
const CHUNK = MAX_OPEN - 32 - 2 - 2;
export const WHOLE = 1_000_000;
const MICROS_PER_HOUR = 3_600_000_000n;

/** Reads bytes from first to last. */
class Reader {
  constructor(what, bytes) {
    this.what = what;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  check(holds, otherwise) {
    require(holds, `${this.what}: ${otherwise}`);
  }

  left() {
    return this.bytes.length - this.at;
  }

  take(count) {
    this.check(count <= this.left(), `ends ${count - this.left()} bytes too early`);
    this.at += count;
    return this.at - count;
  }

  raw(count) {
    const at = this.take(count);
    return this.bytes.subarray(at, at + count);
  }

  rest() {
    return this.raw(this.left());
  }

  u8() {
    return this.view.getUint8(this.take(1));
  }

  u16() {
    return this.view.getUint16(this.take(2));
  }

  u32() {
    return this.view.getUint32(this.take(4));
  }

  i32() {
    return this.view.getInt32(this.take(4));
  }

  u31() {
    const value = this.u32();
    this.check(value < 2 ** 31, `${value} is too large`);
    return value;
  }

  u64() {
    return this.view.getBigUint64(this.take(8));
  }

  u63() {
    const value = this.u64();
    this.check(value < 1n << 63n, `${value} is too large`);
    return value;
  }

  f32() {
    const value = this.view.getFloat32(this.take(4));
    this.check(Number.isFinite(value), `${value} is not finite`);
    return value;
  }

  flag() {
    const value = this.u8();
    this.check(value <= 1, `${value} is neither 0 nor 1`);
    return value === 1;
  }

  text() {
    return text(`${this.what}: a text`, this.raw(this.u31()));
  }

  choice(all) {
    const code = this.u8();
    this.check(code >= 1 && code <= all.length, `no choice has code ${code}`);
    return all[code - 1];
  }

  list(element) {
    const count = this.u31();
    this.check(count <= this.left(), `${count} elements do not fit`);
    return Array.from({ length: count }, () => element(this));
  }

  all(element) {
    const values = [];
    while (this.left() > 0) values.push(element(this));
    return values;
  }
}

function decode(what, bytes, value) {
  const reader = new Reader(what, bytes);
  const decoded = value(reader);
  reader.check(reader.left() === 0, `${reader.left()} bytes too many`);
  return decoded;
}

/** `{bytes, kind, open, root}` of an entry of the log. */
export function leaf(bytes) {
  require(bytes.length <= MAX_LEAF, `a leaf has at most ${MAX_LEAF} bytes`);
  const reader = new Reader("leaf", bytes);
  reader.check(reader.u16() === 0x544c, "does not begin with TL");
  const schema = reader.u16();
  reader.check(schema === 1, `schema ${schema} is not known`);
  const code = reader.u8();
  const kind = Object.values(KINDS).find((each) => each.code === code);
  reader.check(kind !== undefined, `no kind in a receipt has code ${code}`);
  reader.raw(16);
  reader.check(reader.left() >= 32, "ends too early");
  return { bytes, kind, open: reader.raw(reader.left() - 32), root: reader.rest() };
}

/** The open fields of a record, joined from its leaves, the main one last. */
async function open(leaves) {
  const main = leaves.at(-1);
  const before = leaves.slice(0, -1);
  const reader = new Reader(main.kind.word, main.open);
  const form = reader.u8();
  reader.check(form <= 1, `form ${form} is not known`);
  if (form === 0) {
    reader.check(before.length === 0, "is whole, but continuations precede it");
    return reader.rest();
  }
  const length = reader.u31();
  const count = reader.u16();
  const over = reader.raw(32);
  reader.check(
    reader.left() === 0 && length > MAX_OPEN - 1 && count <= MAX_CHUNKS && count === Math.ceil(length / CHUNK),
    `${length} bytes in ${count} chunks are not its form`,
  );
  reader.check(before.length === count, `has ${count} continuations, but ${before.length} precede it`);
  const chunks = before.map((each, i) => {
    const chunk = new Reader("continuation", each.open);
    const same = equal(chunk.raw(32), over) && chunk.u16() === i && chunk.u16() === count;
    chunk.check(same && chunk.left() === Math.min(CHUNK, length - i * CHUNK), `${i} is of something else`);
    return chunk.rest();
  });
  reader.check(equal(await root(chunks), over), "continuations are not its own");
  return concat(...chunks);
}

/** What a salted field's leaf commits to. */
export async function commitment(field) {
  if (field.hidden) return field.hidden;
  const name = utf8(field.tag);
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(field.data.length));
  return sha256(Uint8Array.of(name.length), name, field.salt, new Uint8Array(length.buffer), field.data);
}

const use = (from) => {
  const adapter = { name: from.text(), number: from.u31(), digest: hex(from.raw(32)), scale: from.f32() };
  from.check(adapter.number >= 1, `version ${adapter.number} of an adapter`);
  return adapter;
};

const sampling = (from) => {
  const read = {
    maxTokens: from.u31(), temperature: from.f32(), topK: from.u31(), topP: from.f32(), minP: from.f32(),
    repetition: from.f32(), presence: from.f32(), frequency: from.f32(), seed: from.u64(),
    stop: from.list((each) => each.text()), stopIds: from.list((each) => each.u31()),
  };
  let last = -1;
  read.bias = from.list((each) => {
    const token = each.u31();
    from.check(token > last, "logit bias is not ascending by token");
    last = token;
    return [token, each.f32()];
  });
  return read;
};

const orAbsent = (value) => (from) => (from.left() > 0 ? value(from) : null);
const whole = (from) => text(from.what, from.rest());
const digest = orAbsent((from) => hex(from.raw(32)));

/** How each field that the page reads is read. */
const FIELDS = {
  "generation.id": whole,
  "generation.started": (from) => from.u63(),
  "generation.tenant": whole,
  "generation.base": digest,
  "generation.adapters": (from) => from.list(use),
  "generation.sampling": orAbsent(sampling),
  "generation.prompt": (from) => from.all((each) => each.u31()),
  "generation.output": (from) => from.all((each) => each.u31()),
  "generation.usage": (from) => ({ prompt: from.u31(), cached: from.u31(), completion: from.u31() }),
  "generation.end": (from) => from.choice(ENDS),
  "generation.numerics": whole,
  "generation.paths": (from) => from.list((each) => ({ wide: each.flag(), tokens: each.u31() })),
  "generation.logprobs": (from) => from.i32(),
  "generation.logprobs_digest": digest,
  "generation.flags": (from) => from.u8(),
  "generation.time": (from) => ({ start: from.u63(), end: from.u63() }),
  "attribution.contributors": (from) => from.list((each) => each.text()),
  "attribution.spans": (from) =>
    from.list((each) => {
      const span = { start: each.u31(), end: each.u31(), contributors: each.list((index) => index.u31()) };
      from.check(span.start < span.end, `a span from ${span.start} to ${span.end}`);
      return span;
    }),
  "attribution.evidence": (from) => from.rest(),
  "adapter_build.tenant": whole,
  "adapter_build.name": whole,
  "adapter_build.number": (from) => from.u31(),
  "adapter_build.settings": whole,
  "adapter_build.pseudonym_key": (from) => from.raw(32),
};

/** What a record says in a field; undefined if that is hidden. */
export function field(record, name) {
  const tag = `${record.kind.word}.${name}`;
  const found = record.fields.find((each) => each.tag === tag);
  return found.hidden ? undefined : decode(tag, found.data, FIELDS[tag]);
}

const HOUR = (from) => BigInt(from.u32());

/** What a record shows to all. */
export const OPEN = {
  generation: async (leaves) => ({ hour: decode("generation", await open(leaves), HOUR) }),
  attribution: async (leaves) =>
    decode("attribution", await open(leaves), (from) => {
      const read = { hour: HOUR(from), generation: from.u63(), method: from.text() };
      read.shares = from.list((each) => ({ contributor: hex(each.raw(16)), ppm: each.u31() }));
      read.base = from.u31();
      read.unattributed = from.u31();
      const names = new Set(read.shares.map((share) => share.contributor));
      from.check(names.size === read.shares.length, "a contributor has two shares");
      from.check(read.shares.every((share) => share.ppm >= 1), "a share of 0");
      read.sum = read.shares.reduce((sum, share) => sum + share.ppm, read.base + read.unattributed);
      return read;
    }),
  adapter_build: async (leaves) =>
    decode("adapter_build", await open(leaves), (from) => ({
      hour: HOUR(from), adapter: hex(from.raw(32)), base: hex(from.raw(32)), manifest: hex(from.raw(32)),
      provenance: from.choice(PROVENANCES), method: from.text(), thresholds: from.text(),
      index: from.flag() ? hex(from.raw(32)) : null,
    })),
  key_rotation: async (leaves) => {
    const read = decode("key_rotation", await open(leaves), (from) => ({
      oldKey: from.text(), newKey: from.text(), size: from.u63(), byOld: from.raw(64), byNew: from.raw(64),
    }));
    const [oldKey, newKey] = await Promise.all([verifierKey(read.oldKey), verifierKey(read.newKey)]);
    require(oldKey.name === newKey.name && oldKey.vkey !== newKey.vkey, "a rotation is from a key of a log to another");
    return { ...read, oldKey, newKey, statement: rotationStatement(read) };
  },
};

const rotationStatement = (read) => utf8(`tributary-key-rotation-v1\n${read.oldKey}\n${read.newKey}\n${read.size}\n`);

/** Reads all of a record of which nothing is hidden, as strictly as the server writes it. */
export async function checkWhole(record) {
  const read = Object.fromEntries(record.kind.fields.map((name) => [name, field(record, name)]));
  const shown = await OPEN[record.kind.word](record.leaves);
  if (record.kind === KINDS.generation) {
    require(read.end === "interrupted" || (read.base !== null && read.sampling !== null), "it has no base or sampling");
    require(read.paths.length <= 1024 && read.logprobs >= -1 && read.flags <= 3, "paths, logprobs or flags are not its form");
    require(shown.hour === read.time.end / MICROS_PER_HOUR, `hour ${shown.hour} is not that of its time`);
    require(read.started < record.index, `it began in leaf ${read.started} after its end`);
  } else if (record.kind === KINDS.attribution) {
    const shares = shown.shares.length;
    require(read.contributors.length >= shares, `${read.contributors.length} names for ${shares} shares`);
    const known = read.spans.every((span) => span.contributors.every((index) => index < read.contributors.length));
    require(known, "a span is of a contributor without a share");
  } else if (record.kind === KINDS.adapter_build) {
    require(read.number >= 1, `version ${read.number} of an adapter`);
  }
}
