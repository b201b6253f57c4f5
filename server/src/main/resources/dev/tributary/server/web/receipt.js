// Receipts: read from the bytes of their file, and verified without asking anybody. What is looked at, and in which
// words, is as `tributary receipt verify` has it; the two share no code, and a test compares them.
import { KINDS, OPEN, WHOLE, checkWhole, commitment, field, leaf } from "./record.js";
import {
  Refusal, base64, checkpoint, decimal, emptyRoot, equal, included, leafHash, note, require, root, signatureProblem, signed,
  text, unbase64, utf8, verifierKey,
} from "./tlog.js";

export const NO_WITNESSES = "operator-signed only: a fork cannot be excluded.";
export const MAX_BYTES = 16 << 20;

const HEADER = "tributary-receipt-v1";
const MAX_EACH = 1000;
const MAX_CONTINUATIONS = 128;
const NEWLINE = 10;

/** The lines before the checkpoint, one at a time. */
class Lines {
  constructor(lines) {
    this.lines = lines;
    this.number = 0;
  }

  get line() {
    return this.lines[this.number];
  }

  /** The words after the first, which must be `first`. */
  words(first, count) {
    const words = this.line.split(" ");
    require(words.length === count + 1 && words[0] === first, `line ${this.number + 1} is not "${first}" and ${count} more words`);
    this.number++;
    return words.slice(1);
  }

  starts(word) {
    return this.line.startsWith(`${word} `);
  }
}

/** A receipt: `{generation, attribution, builds, rotations, note, tree, bytes}`; nothing in it is to be believed yet. */
export async function parse(bytes) {
  require(bytes.length <= MAX_BYTES, "a receipt has at most 16 MiB");
  const end = blankLine(bytes);
  const head = bytes.subarray(0, end);
  require(head.every((byte) => byte < 0x80), "a receipt's records are ASCII");
  const lines = new Lines([...text("the file", head).split("\n")]);
  require(lines.line === HEADER, `line 1 is not ${HEADER}`);
  lines.number++;
  const records = [];
  while (lines.line !== "") records.push(record(lines));
  require(lines.number === lines.lines.length - 1, "an empty line stands among the records");
  const parsedNote = note(bytes.subarray(end + 1));
  const receipt = sorted(records);
  receipt.note = parsedNote;
  receipt.tree = await checkpoint(parsedNote.text);
  receipt.bytes = bytes;
  require(equal(utf8(write(records)), head), "the file is not in the only form of a receipt");
  await checkEmptyRoots(records);
  return receipt;
}

/** Kinds without salted fields have no root over some. */
async function checkEmptyRoots(records) {
  const none = await emptyRoot();
  for (const each of records.flatMap((one) => one.leaves)) {
    require(each.kind.tags.length > 0 || equal(each.root, none), `${each.kind.word} has no salted fields, but a root over some`);
  }
}

/** Where the empty line's newline is. */
function blankLine(bytes) {
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (bytes[at + 1] === NEWLINE) return at + 1;
  }
  throw new Refusal("it has no empty line before a checkpoint");
}

function sorted(records) {
  const of = (kind) => records.filter((each) => each.kind === kind);
  const generations = of(KINDS.generation);
  const attributions = of(KINDS.attribution);
  const receipt = { generation: generations[0], attribution: attributions[0] ?? null };
  receipt.builds = of(KINDS.adapter_build);
  receipt.rotations = of(KINDS.key_rotation);
  require(generations.length === 1, "a receipt is of one generation");
  require(attributions.length <= 1, "a receipt has at most one attribution");
  require(receipt.builds.length <= MAX_EACH && receipt.rotations.length <= MAX_EACH, "a receipt has too many records");
  const order = [receipt.generation, ...attributions, ...receipt.builds, ...receipt.rotations];
  require(order.every((each, i) => each === records[i]), "the records stand in another order than a receipt's");
  return receipt;
}

function record(lines) {
  const placed = [];
  do {
    require(placed.length <= MAX_CONTINUATIONS, `line ${lines.number + 1} is of too many continuations`);
    placed.push(place(lines));
  } while (placed.at(-1).leaf.kind === KINDS.continuation);
  const main = placed.at(-1);
  const fields = [];
  while (lines.starts("field") || lines.starts("hidden")) fields.push(saltedField(lines));
  const tags = main.leaf.kind.tags;
  const right = fields.length === tags.length && fields.every((each, i) => each.tag === tags[i]);
  require(right, `the record before line ${lines.number + 1} has other fields than a ${main.leaf.kind.word}`);
  return { kind: main.leaf.kind, index: main.index, leaves: placed.map((each) => each.leaf), placed, fields };
}

function place(lines) {
  const word = lines.line;
  lines.number++;
  const at = `line ${lines.number + 1}`;
  const [encoded] = lines.words("leaf", 1);
  const decoded = leaf(unbase64(at, encoded));
  require(decoded.kind.word === word, `${at} is of another kind than the line before it`);
  const [index] = lines.words("index", 1);
  const proof = [];
  while (lines.starts("hash")) proof.push(hash(lines.words("hash", 1)[0]));
  require(proof.length <= 63, `${at} has a proof of too many hashes`);
  return { leaf: decoded, index: decimal("an index", index), proof };
}

function hash(word) {
  const bytes = unbase64("a hash", word);
  require(bytes.length === 32, "a hash has 32 bytes");
  return bytes;
}

const NONE = new Uint8Array(0);

function saltedField(lines) {
  if (lines.starts("hidden")) {
    const [tag, word] = lines.words("hidden", 2);
    return { tag, hidden: hash(word) };
  }
  const [tag, salt, data] = lines.words("field", 3);
  const opened = { tag, salt: hash(salt), data: data === "-" ? NONE : unbase64(tag, data) };
  require(data === "-" || opened.data.length > 0, `${tag} has no data, but not "-"`);
  return opened;
}

/** The lines before the checkpoint, from what was read. */
function write(records) {
  const lines = [HEADER];
  for (const each of records) {
    for (const placed of each.placed) {
      lines.push(placed.leaf.kind.word, `leaf ${base64(placed.leaf.bytes)}`, `index ${placed.index}`);
      lines.push(...placed.proof.map((sibling) => `hash ${base64(sibling)}`));
    }
    for (const of of each.fields) {
      const data = of.hidden ? "" : of.data.length === 0 ? "-" : base64(of.data);
      lines.push(of.hidden ? `hidden ${of.tag} ${base64(of.hidden)}` : `field ${of.tag} ${base64(of.salt)} ${data}`);
    }
  }
  return lines.join("\n") + "\n";
}

/**
 * Every check that there is something to make of, as `{name, ok, sentence}`; only "form" if that fails.
 *
 * @param trusted the vkey that the reader trusts for the log; it never comes from the file
 */
export async function verify(bytes, trusted) {
  let receipt;
  try {
    receipt = await parse(bytes);
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    return { receipt: null, checks: [{ name: "form", ok: false, sentence: `This is no receipt: ${e.message}.` }] };
  }
  const checks = [];
  const add = (name, ok, sentence) => checks.push({ name, ok, sentence });
  const attempt = async (name, otherwise, work) => {
    try {
      add(name, true, await work());
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      add(name, false, `${otherwise}: ${e.message}.`);
    }
  };
  add("form", true, `The file is a receipt in its only form, of ${bytes.length} bytes.`);
  await checkpointChecks(receipt, await verifierKey(trusted), add);
  await recordChecks(receipt.generation, receipt, add, attempt);
  if (receipt.attribution !== null) {
    await recordChecks(receipt.attribution, receipt, add, attempt);
    await attributionChecks(receipt, add);
  }
  await attempt("builds", "An adapter build fails", () => builds(receipt));
  await rotations(receipt, add);
  return { receipt, checks };
}

async function checkpointChecks(receipt, trusted, add) {
  const { origin, size } = receipt.tree;
  let key = trusted;
  if (trusted.name !== origin) {
    add("key", false, `The log ${origin} is not that of the pinned key.`);
  } else {
    try {
      const chain = await followed(receipt);
      if (chain.length === 0) {
        add("key", true, `The log ${origin} is that of the pinned key.`);
      } else {
        require(chain.some((each) => each.vkey === trusted.vkey), "no rotation is of a key that is trusted");
        key = chain.at(-1);
        const lead = count(receipt.rotations.length, "rotation", "rotations");
        add("key", true, `From the pinned key ${lead} lead to the log's new one.`);
      }
    } catch (e) {
      if (!(e instanceof Refusal)) throw e;
      add("key", false, `The log's key cannot be followed: ${e.message}.`);
    }
  }
  const problem = await signatureProblem(receipt.note, receipt.tree, key);
  add("signature", problem === null, problem ?? `The log signed the checkpoint of ${count(size, "leaf", "leaves")}.`);
  add("witnesses", true, NO_WITNESSES);
}

/** The keys of the log from its first on, one more than rotations; none without a rotation. */
async function followed(receipt) {
  const keys = [];
  let size = -1n;
  for (const each of receipt.rotations) {
    const turn = await OPEN.key_rotation(each.leaves);
    const which = `the rotation in leaf ${each.index}`;
    require(turn.oldKey.name === receipt.tree.origin, `${which} is of another log`);
    const both = (await signed(turn.oldKey, turn.statement, turn.byOld)) && (await signed(turn.newKey, turn.statement, turn.byNew));
    require(both, `${which} is not signed by both of its keys`);
    const goesOn = keys.length === 0 || keys.at(-1).vkey === turn.oldKey.vkey;
    require(goesOn, `${which} does not begin with the key that the one before it ended with`);
    require(turn.size > size, `${which} is at no larger size than the one before it`);
    require(each.index <= turn.size, `${which} ends the old key at ${turn.size} leaves`);
    if (keys.length === 0) keys.push(turn.oldKey);
    keys.push(turn.newKey);
    size = turn.size;
  }
  require(receipt.tree.size > size, `the new key has no say at ${receipt.tree.size} leaves`);
  return keys;
}

async function isIn(each, tree) {
  for (const { leaf: entry, index, proof } of each.placed) {
    if (!(await included(await leafHash(entry.bytes), index, tree.size, proof, tree.root))) return false;
  }
  return true;
}

async function recordChecks(each, receipt, add, attempt) {
  const word = each.kind.word;
  const inLog = await isIn(each, receipt.tree);
  add(`${word} in log`, inLog, `The ${word} ${inLog ? "is" : "is not"} in the log as leaf ${each.index}.`);
  await attempt(`${word} fields`, `What is said of the ${word} cannot be`, async () => {
    const hidden = await checkFields(each);
    const rest = hidden === 0 ? "." : `; ${hidden} fields are hidden.`;
    return `What is said of the ${word} is what its leaf commits to${rest}`;
  });
}

/** How many fields are hidden; refuses fields that the leaf does not commit to. */
async function checkFields(each) {
  const under = await root(await Promise.all(each.fields.map(commitment)));
  require(equal(under, each.leaves.at(-1).root), "the fields do not lead to the leaf's root");
  const hidden = each.fields.filter((one) => one.hidden).length;
  if (hidden === 0) await checkWhole(each);
  return hidden;
}

async function attributionChecks(receipt, add) {
  const ofThis = "attribution of this generation";
  try {
    const shown = await OPEN.attribution(receipt.attribution.leaves);
    const right = shown.generation === receipt.generation.index;
    add(ofThis, right, `The attribution is of the generation in leaf ${shown.generation}.`);
    add("shares", shown.sum === WHOLE, `The shares sum to ${shown.sum} millionths.`);
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    add(ofThis, false, `The attribution's leaf cannot be read: ${e.message}.`);
    add("shares", false, `The attribution's leaf cannot be read: ${e.message}.`);
  }
}

async function builds(receipt) {
  const adapters = field(receipt.generation, "adapters");
  const base = field(receipt.generation, "base") ?? undefined;
  const built = new Set();
  for (const each of receipt.builds) {
    const which = `leaf ${each.index}`;
    require(await isIn(each, receipt.tree), `${which} is not in the log`);
    require(each.index < receipt.generation.index, `${which} came after the generation`);
    await checkFields(each);
    const shown = await OPEN.adapter_build(each.leaves);
    const used = adapters === undefined || adapters.some((use) => use.digest === shown.adapter);
    require(used, `${which} is of an adapter that the generation did not use`);
    require(base === undefined || base === shown.base, `${which} is for another base`);
    built.add(shown.adapter);
  }
  const which = adapters === undefined
    ? "Which were used is hidden; "
    : `Of ${new Set(adapters.map((use) => use.digest)).size} used, `;
  return `${which}${count(built.size, "adapter has", "adapters have")} a build that was in the log before the generation.`;
}

async function rotations(receipt, add) {
  for (const each of receipt.rotations) {
    if (!(await isIn(each, receipt.tree))) {
      add("rotations in log", false, `A key rotation is not in the log as leaf ${each.index}.`);
      return;
    }
  }
  if (receipt.rotations.length > 0) add("rotations in log", true, "The key rotations are in the log.");
}

function count(number, one, more) {
  return `${number.toLocaleString("en-US")} ${Number(number) === 1 ? one : more}`;
}
