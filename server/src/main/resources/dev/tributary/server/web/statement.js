// What one contributor's data did, and earned, in a period. Only the contributor's own key, or an administrator's, gets it.
import { get } from "./api.js";
import { el, number, replace, trouble } from "./view.js";

const today = new Date();
const day = (date) => date.toISOString().slice(0, 10);
const start = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1));
const end = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() + 1));

const contributor = el("input", { type: "text", id: "contributor", name: "contributor", required: true, autocomplete: "off", spellcheck: "false" });
const from = el("input", { type: "date", name: "from", value: day(start), required: true });
const to = el("input", { type: "date", name: "to", value: day(end), required: true });
const out = el("div", { id: "statement", "aria-live": "polite" });

export const view = el(
  "section",
  { class: "wide" },
  el("h2", {}, "A contributor's statement"),
  el("p", { class: "fine" }, "For contributors, with their own key, and for administrators. Days are UTC."),
  el(
    "form",
    { class: "row", onsubmit: ask },
    el("label", {}, "Contributor", contributor),
    el("label", {}, "From", from),
    el("label", {}, "Until before", to),
    el("button", { type: "submit" }, "Show"),
  ),
  out,
);

async function ask(event) {
  event.preventDefault();
  try {
    const fields = { contributor: contributor.value, "period.start": `${from.value}T00:00:00Z`, "period.end": `${to.value}T00:00:00Z` };
    replace(out, show(await get("statement", fields)));
  } catch (e) {
    replace(out, trouble(e));
  }
}

function show(statement) {
  const lines = statement.lines ?? [];
  if (lines.length === 0) return [el("p", { class: "fine" }, "Nothing in this period.")];
  const money = (micros) => `${units(micros)} ${statement.currency ?? ""}`;
  const head = ["adapter", "answers", "their worth", "amount", ""];
  const rows = lines.map((line) =>
    el("tr", {}, [
      `${line.adapter}@${line.number}`, number(line.generations ?? 0), (Number(line.ppm ?? 0) / 1e6).toFixed(2),
      money(line.amountMicros ?? 0), line.settled ? "settled" : "open",
    ].map((cell) => el("td", {}, cell))));
  return [
    el("p", { class: "sum" }, money(statement.amountMicros ?? 0)),
    el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head.map((word) => el("th", { scope: "col" }, word)))), el("tbody", {}, rows))),
    el("p", { class: "fine" }, statement.settlementLeafIndex === undefined
      ? "Not settled yet: what is open may still change."
      : `Settled in leaf ${statement.settlementLeafIndex} of the log; ${(statement.proofs ?? []).length} lines with proofs.`),
  ];
}

/** Millionths as a decimal number, exactly. */
function units(micros) {
  const all = BigInt(micros);
  const size = all < 0n ? -all : all;
  const rest = String(size % 1_000_000n).padStart(6, "0").replace(/0{1,4}$/, "");
  return `${all < 0n ? "-" : ""}${(size / 1_000_000n).toLocaleString("en-US")}.${rest}`;
}
