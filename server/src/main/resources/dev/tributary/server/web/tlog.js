// The pieces of a transparency log that a receipt is checked with: base64, SHA-256, RFC 6962 trees, C2SP signed notes,
// checkpoints and keys. Each piece has one form; all else is refused with a Refusal. Cryptography is the browser's own.

/** Why something is not what it should be; its message is for people. */
export class Refusal extends Error {}

export function require(holds, otherwise) {
  if (!holds) throw new Refusal(otherwise);
}

const MAX_LONG = (1n << 63n) - 1n;
const MAX_PROOF = 63;
const MAX_NOTE = 1 << 20;
const MAX_SIGNATURES = 100;
const MAX_SIGNATURE = 16_384;
const EM_DASH = "\u2014 ";

export function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const utf8 = (text) => new TextEncoder().encode(text);

export function text(what, bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal(`${what} is not UTF-8`);
  }
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function base64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}

/** Standard, padded, spare bits zero. */
export function unbase64(what, word) {
  let binary;
  try {
    binary = atob(word);
  } catch {
    throw new Refusal(`${what} is not base64`);
  }
  require(btoa(binary) === word, `${what} is not canonical base64`);
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

export function decimal(what, word) {
  require(/^(0|[1-9][0-9]{0,18})$/.test(word) && BigInt(word) <= MAX_LONG, `${what} is not a decimal number`);
  return BigInt(word);
}

/** Whether this browser lets this page compute; a page over plain http from another machine may not. */
export const canHash = () => globalThis.crypto?.subtle !== undefined;

export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
export const leafHash = (entry) => sha256(LEAF, entry);
const nodeHash = (left, right) => sha256(NODE, left, right);
export const emptyRoot = () => sha256();

/** The root over entries, RFC 6962, section 2.1. */
export async function root(entries) {
  if (entries.length === 0) return emptyRoot();
  return subtree(await Promise.all(entries.map(leafHash)));
}

async function subtree(hashes) {
  if (hashes.length === 1) return hashes[0];
  let split = 1;
  while (2 * split < hashes.length) split *= 2;
  return nodeHash(await subtree(hashes.slice(0, split)), await subtree(hashes.slice(split)));
}

/** Whether `proof` leads from a leaf's hash to `rootHash`, that of `size` leaves; RFC 9162, section 2.1.3.2. */
export async function included(leaf, index, size, proof, rootHash) {
  if (index < 0n || index >= size || proof.length > MAX_PROOF) return false;
  let at = index;
  let last = size - 1n;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0n) return false;
    if ((at & 1n) === 1n || at === last) {
      hash = await nodeHash(sibling, hash);
      while ((at & 1n) === 0n && at !== 0n) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await nodeHash(hash, sibling);
    }
    at >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(hash, rootHash);
}

/** `{origin, size, root}` of a note's text. */
export async function checkpoint(noteText) {
  const lines = noteText.split("\n");
  require(lines.length === 4 && lines[3] === "", "a checkpoint has three lines: origin, size and root");
  require(lines[0] !== "", "the origin of a checkpoint is one line");
  const size = decimal("the size of a checkpoint", lines[1]);
  const rootHash = unbase64("the root of a checkpoint", lines[2]);
  require(rootHash.length === 32, "the root of a checkpoint has not 32 bytes");
  require(size > 0n || equal(rootHash, await emptyRoot()), "a checkpoint of no leaves has another root");
  return { origin: lines[0], size, root: rootHash };
}

function keyName(name) {
  require(name !== "" && !/[\p{Z}\u0000-\u001f\u0085+]/u.test(name), "a key's name is empty, or has a space or a plus");
  return name;
}

/** `{text, signatures: [{name, id, bytes}]}`: as good as unsigned until somebody looked at the signatures. */
export function note(bytes) {
  require(bytes.length <= MAX_NOTE, "a note has at most 1 MiB");
  const whole = text("the note", bytes);
  const blank = whole.lastIndexOf("\n\n");
  require(blank >= 0, "a note has an empty line between text and signatures");
  require(whole.endsWith("\n") && blank + 2 < whole.length, "a note ends with a signature line and its newline");
  const noteText = whole.slice(0, blank + 1);
  require(!/[\u0000-\u0009\u000b-\u001f]/.test(noteText), "a control character in the text of a note");
  const lines = whole.slice(blank + 2, -1).split("\n");
  require(lines.length <= MAX_SIGNATURES, `a note has at most ${MAX_SIGNATURES} signatures`);
  return { text: noteText, signatures: lines.map(signature) };
}

function signature(line) {
  const space = line.indexOf(" ", EM_DASH.length);
  require(line.startsWith(EM_DASH) && space >= 0, "a signature line is an em dash, a name and a signature");
  const bytes = unbase64("a signature", line.slice(space + 1));
  require(bytes.length > 4 && bytes.length <= MAX_SIGNATURE + 4, "a signature line has an id and a signature");
  return { name: keyName(line.slice(EM_DASH.length, space)), id: hex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
}

/** `{vkey, name, id, key}` of `NAME+ID+KEY`; only keys of notes, for witnesses are a policy's affair. */
export async function verifierKey(vkey) {
  const parts = /^([^+]*)\+([^+]*)\+(.*)$/su.exec(vkey);
  require(parts !== null, "a key is NAME+ID+KEY");
  const typed = unbase64("the key of a vkey", parts[3]);
  require(typed.length === 33 && typed[0] === 1, "a log's key is an Ed25519 key of notes");
  const id = hex((await sha256(utf8(parts[1] + "\n"), typed)).subarray(0, 4));
  require(id === parts[2], `the id of the key must be ${id} for this name and key`);
  return { vkey, name: keyName(parts[1]), id, key: typed.subarray(1) };
}

/** Whether the key signed the message. Throws what the browser throws if it knows no Ed25519. */
export async function signed(key, message, bytes) {
  if (bytes.length !== 64) return false;
  const imported = await crypto.subtle.importKey("raw", key.key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, bytes, message);
}

/** What is wrong with the signature lines of a checkpoint for one who trusts this key alone; null if nothing is. */
export async function signatureProblem(parsedNote, tree, key) {
  let found = false;
  for (const line of parsedNote.signatures) {
    const which = `the signature line of "${line.name}" with id ${line.id}`;
    if (line.name !== key.name || line.id !== key.id) return `In the checkpoint ${which} is of a key that is not trusted.`;
    if (!(await signed(key, utf8(parsedNote.text), line.bytes))) return `In the checkpoint ${which} does not verify.`;
    if (found) return `In the checkpoint ${which} is the second of its key.`;
    if (key.name !== tree.origin) return `In the checkpoint ${which} is of another log.`;
    found = true;
  }
  return null;
}
