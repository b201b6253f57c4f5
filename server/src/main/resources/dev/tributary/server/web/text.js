// Text of an answer from the token ids that its receipt commits to. What a token stands for is asked from the server,
// which serves the model: the receipt itself holds no text.
import { get } from "./api.js";

const AT_ONCE = 512;

/** Bytes by id, null for a control token, which is no text; of one base at a time. */
let known = new Map();
let base = "";

async function learn(ids) {
  const missing = [...new Set(ids)].filter((id) => !known.has(id));
  for (let at = 0; at < missing.length; at += AT_ONCE) {
    const told = await get("tokens", { ids: missing.slice(at, at + AT_ONCE).join(",") });
    if (told.baseDigest !== base) {
      base = told.baseDigest;
      known = new Map();
      return learn(ids);
    }
    for (const token of told.tokens) {
      known.set(token.id, token.control ? null : Uint8Array.from(atob(token.bytes), (c) => c.charCodeAt(0)));
    }
  }
}

/**
 * The text of token ids; null where the server serves another base than `baseDigest` and so can't tell.
 *
 * @param baseDigest hex digits
 * @param stop strings of which one ended the answer, empty if none did
 */
export async function textOf(ids, baseDigest, stop = []) {
  const model = await get("model");
  if (model.baseDigest !== `sha256:${baseDigest}`) return null;
  await learn(ids);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let all = "";
  for (const id of ids) all += decoder.decode(known.get(id) ?? new Uint8Array(0), { stream: true });
  all += decoder.decode();
  return all.slice(0, ending(all, stop));
}

/** Where a stop string begins: the longest of those that the earliest character completes. */
function ending(all, stop) {
  const found = stop
    .map((each) => ({ begin: all.indexOf(each), length: each.length }))
    .filter((each) => each.begin >= 0)
    .sort((a, b) => a.begin + a.length - b.begin - b.length || b.length - a.length);
  return found.length === 0 ? all.length : found[0].begin;
}

/**
 * The text cut where spans begin and end: `{text, owners}` each, owners being names.
 *
 * @param spans half-open offsets into the UTF-8 bytes of the text, with indices into `names`
 */
export function pieces(text, spans, names) {
  const bytes = new TextEncoder().encode(text);
  const cuts = new Set([0, bytes.length]);
  for (const span of spans) {
    if (span.end <= bytes.length) cuts.add(span.start).add(span.end);
  }
  const at = [...cuts].sort((a, b) => a - b);
  return at.slice(0, -1).map((start, i) => {
    const over = spans.filter((span) => span.start <= start && span.end >= at[i + 1]);
    const owners = [...new Set(over.flatMap((span) => span.contributors))].sort((a, b) => a - b).map((index) => names[index]);
    return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start, at[i + 1])), owners };
  });
}
