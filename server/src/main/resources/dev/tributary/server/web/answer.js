// One answer, from its receipt's file: what was said and by whose data, and what the receipt is worth.
import { OPEN, field } from "./record.js";
import { NO_WITNESSES, parse, verify } from "./receipt.js";
import { trusted } from "./pins.js";
import { pieces, textOf } from "./text.js";
import { Refusal, canHash } from "./tlog.js";
import { bar, called, clock, el, facts, number, paint, percent, short, trouble } from "./view.js";

const NO_CRYPTOGRAPHY =
  "A browser lets only pages from https or from this machine compute what it takes, and this one came over plain http "
  + "from another. Open it through a tunnel to localhost or a proxy with TLS, or use tributary receipt verify.";
const NO_ED25519 = "This browser knows no Ed25519, which logs sign with. Newer ones do, and so does tributary receipt verify.";

const WORD_FOR_WORD = " Marked text stands word for word in the data of whom its number names.";

/**
 * All that there is to show of a receipt.
 *
 * @param summary what the server says of it beside the file; null for a file from elsewhere
 */
export async function answer(bytes, summary) {
  if (!canHash()) return [el("p", { class: "trouble" }, NO_CRYPTOGRAPHY), save(bytes, "answer.receipt")];
  const found = await examined(bytes);
  const parts = [verdict(found)];
  if (found.receipt === null) return parts;
  const holds = found.checks.length > 0 && found.checks.every((check) => check.ok);
  const said = await content(found.receipt, summary).catch((e) => [trouble(e)]);
  const kept = el("div", { class: holds ? "said" : "said doubtful" }, said);
  const id = field(found.receipt.generation, "id");
  const whose = summary === null || id === undefined || id === summary.generationId;
  if (!whose) parts.unshift(el("p", { class: "trouble" }, "The server sent the receipt of another answer."));
  return [kept, ...parts, save(bytes, `${/^[\w-]{1,64}$/.test(id ?? "") ? id : "answer"}.receipt`)];
}

/** `{receipt, checks, key, problem}`. */
async function examined(bytes) {
  let receipt = null;
  try {
    receipt = await parse(bytes);
    const key = await trusted(receipt.tree.origin);
    if (key === null) {
      const problem = `No key of the log ${receipt.tree.origin} is trusted here. Give the one that its operator made known.`;
      return { receipt, checks: [], key, problem };
    }
    return { ...(await verify(bytes, key.vkey)), key, problem: "" };
  } catch (e) {
    if (e instanceof Refusal && receipt === null) return { ...(await verify(bytes, "")), key: null, problem: "" };
    if (e instanceof Refusal) return { receipt, checks: [], key: null, problem: `${e.message}.` };
    if (e.name === "NotSupportedError") return { receipt, checks: [], key: null, problem: NO_ED25519 };
    throw e;
  }
}

function verdict({ receipt, checks, key, problem }) {
  const failed = checks.filter((check) => !check.ok);
  const state = problem ? "unknown" : failed.length > 0 ? "fails" : "holds";
  const head = { unknown: "Not verified", fails: "The receipt does not hold", holds: "The receipt holds" }[state];
  const list = checks.map((check) =>
    el("li", { class: check.ok ? "ok" : "no" }, el("b", {}, check.name), " ", check.sentence));
  return el(
    "section",
    { class: `verdict ${state}`, id: "verdict", "data-state": state },
    el("h3", {}, head),
    problem ? el("p", {}, problem) : null,
    el("details", { open: state !== "holds" }, el("summary", {}, `${checks.length} checks, in this browser`), el("ul", { class: "checks" }, list)),
    receipt === null ? null : el("p", { class: "fine" }, key === null ? "" : `Trusted: the log's key ${key.vkey} (${key.how}). ${first(NO_WITNESSES)} `
      + "This page's code comes from the same server; tributary receipt verify checks the same file without it."),
  );
}

const first = (sentence) => sentence.charAt(0).toUpperCase() + sentence.slice(1);

async function content(receipt, summary) {
  const generation = receipt.generation;
  const attribution = receipt.attribution === null ? null : await attributed(receipt.attribution);
  const parts = [];
  const output = field(generation, "output");
  const base = field(generation, "base");
  if (output === undefined) {
    parts.push(el("p", { class: "fine" }, "What was asked and answered is hidden from the reader of this receipt."));
  } else {
    const stop = field(generation, "end") === "stop sequence" ? field(generation, "sampling").stop : [];
    const text = base === null ? null : await textOf(output, base, stop);
    parts.push(text === null ? tokens(output) : spoken(text, attribution));
  }
  parts.push(attribution === null ? pending() : shares(attribution, summary));
  parts.push(await asked(generation), particulars(receipt));
  return parts;
}

/** Shares and spans by the names that the reader may know, else by pseudonyms. */
async function attributed(record) {
  const shown = await OPEN.attribution(record.leaves);
  const names = field(record, "contributors") ?? shown.shares.map((share) => share.contributor);
  return {
    method: shown.method,
    shares: shown.shares.map((share, i) => ({ contributor: names[i], ppm: share.ppm })),
    base: shown.base,
    unattributed: shown.unattributed,
    spans: field(record, "spans") ?? [],
    names,
  };
}

function spoken(text, attribution) {
  const cut = pieces(text, attribution?.spans ?? [], attribution?.names ?? []);
  const order = new Map((attribution?.shares ?? []).map((share, i) => [share.contributor, i + 1]));
  const parts = cut.map((piece) => {
    if (piece.owners.length === 0) return piece.text;
    const whose = piece.owners.map(called).join(" and ");
    const numbers = el("sup", { "aria-hidden": "true" }, piece.owners.map((name) => order.get(name)).join(","));
    return paint(el("mark", { title: `from ${whose}` }, piece.text, numbers), piece.owners, "span");
  });
  return el("blockquote", { class: "text", id: "text" }, text === "" ? el("span", { class: "fine" }, "(empty)") : parts);
}

function tokens(ids) {
  return el("blockquote", { class: "text" }, el("p", { class: "fine" }, "This server serves another model than the answer's, so only its token ids are known:"), ids.slice(0, 400).join(" "));
}

const pending = () => el("p", { class: "fine" }, "Not attributed yet.");

function shares(attribution, summary) {
  const row = (swatch, name, ppm) => el("li", {}, swatch, el("span", { class: "who" }, name), el("span", { class: "much", title: `${number(ppm)} ppm` }, percent(ppm)));
  const rows = attribution.shares.map((share, i) => {
    const swatch = paint(el("span", { class: "swatch" }, String(i + 1)), [share.contributor], "bar");
    return { ppm: share.ppm, row: row(swatch, called(share.contributor), share.ppm) };
  });
  rows.sort((a, b) => b.ppm - a.ppm);
  const list = rows.map((each) => each.row);
  if (attribution.base > 0) list.push(row(el("span", { class: "swatch base" }), "the base model", attribution.base));
  if (attribution.unattributed > 0) list.push(row(el("span", { class: "swatch nobody" }), "unattributed", attribution.unattributed));
  return el(
    "section",
    { class: "shares" },
    el("h3", {}, "Whose data"),
    bar(attribution),
    el("ul", { class: "legend" }, list),
    corrected(attribution, summary) ? el("p", { class: "trouble" }, "A correction took the place of these shares since; the list of answers shows what counts now.") : null,
    el("p", { class: "fine" }, `Method: ${attribution.method}.${attribution.spans.length > 0 ? WORD_FOR_WORD : ""}`),
  );
}

function corrected(attribution, summary) {
  const now = summary?.attribution;
  if (!now) return false;
  const told = (now.shares ?? []).map((share) => share.ppm).join();
  return told !== attribution.shares.map((share) => share.ppm).join() || (now.basePpm ?? 0) !== attribution.base;
}

async function asked(generation) {
  const ids = field(generation, "prompt");
  const base = field(generation, "base");
  if (ids === undefined || base === null) return null;
  const text = await textOf(ids, base);
  return text === null ? null : el("details", { class: "asked" }, el("summary", {}, "What was asked"), el("pre", {}, text.trim()));
}

function particulars(receipt) {
  const said = (name) => field(receipt.generation, name);
  const adapters = said("adapters");
  const usage = said("usage");
  const time = said("time");
  const origins = new Map(receipt.builds.map((each) => [each.index, each]));
  return facts(
    ["answer", el("code", {}, said("id") ?? "hidden")],
    ["adapters", adapters === undefined ? "hidden" : adapters.length === 0 ? "none: the base alone" : adapters.map(use).join(", ")],
    time === undefined ? null : ["ended", clock(new Date(Number(time.end / 1000n)))],
    usage === undefined ? null : ["tokens", `${number(usage.prompt)} asked, ${number(usage.completion)} answered, by ${said("end")}`],
    ["in the log", `leaf ${receipt.generation.index} of ${receipt.tree.size}, ${origins.size} adapter ${origins.size === 1 ? "build" : "builds"} before it`],
  );
}

const use = (adapter) => `${adapter.name}@${adapter.number}${adapter.scale === 1 ? "" : ` \u00d7 ${adapter.scale}`} (${short(adapter.digest)})`;

function save(bytes, name) {
  const keep = () => {
    const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  return el("p", {}, el("button", { type: "button", onclick: keep }, "Save the receipt"));
}
