// The answers that the caller may see, newest first, and the one that is looked at.
import { answer } from "./answer.js";
import { get } from "./api.js";
import { nameOf } from "./adapters.js";
import { unbase64 } from "./tlog.js";
import { bar, clock, el, replace, short, trouble } from "./view.js";

const PAGE = 30;

/** As many are kept as a tab can show; the oldest go first. */
const MOST = 1_000;

/** By id, as they were told. */
const known = new Map();
let older = "";
let shown = { id: "", told: "" };
let drawn = "";

const list = el("ol", { class: "answers", id: "answers" });
const more = el("button", { type: "button", hidden: true, onclick: next }, "Older ones");
const notice = el("div");
const detail = el("article", { class: "detail", id: "detail" });

export const view = el(
  "div",
  { class: "columns" },
  el("section", { class: "side" }, el("h2", {}, "Answers"), notice, list, more),
  detail,
);

/** Looks for new ones. @param id of the answer to show; empty: the newest */
export async function refresh(id) {
  try {
    const page = await get("receipts", { page_size: PAGE });
    if (older === "" && known.size === 0) older = page.nextPageToken ?? "";
    keep(page.receipts ?? []);
    replace(notice);
  } catch (e) {
    replace(notice, trouble(e));
    if (e.status === 401 || e.status === 403) known.clear();
  }
  const chosen = id || newest()[0]?.generationId || "";
  draw(chosen);
  await show(chosen);
}

async function next() {
  const page = await get("receipts", { page_size: PAGE, page_token: older }).catch((e) => {
    replace(notice, trouble(e));
    return { nextPageToken: older };
  });
  older = page.nextPageToken ?? "";
  keep(page.receipts ?? []);
  draw(shown.id);
}

/** Another caller sees other answers. */
export function forget() {
  known.clear();
  older = "";
  shown = { id: "", told: "" };
  replace(detail);
}

function keep(receipts) {
  for (const receipt of receipts) known.set(receipt.generationId, receipt);
  for (const receipt of newest().slice(MOST)) known.delete(receipt.generationId);
}

const newest = () => [...known.values()].sort((a, b) => Date.parse(b.endTime) - Date.parse(a.endTime));

function draw(chosen) {
  const state = JSON.stringify([chosen, newest().map((each) => [each, (each.adapterDigests ?? []).map(nameOf)])]);
  if (state === drawn) return;
  drawn = state;
  replace(list, newest().map((receipt) => item(receipt, chosen)));
  if (known.size === 0) list.append(el("li", { class: "fine" }, "None yet."));
  more.hidden = older === "";
}

function item(receipt, chosen) {
  const names = (receipt.adapterDigests ?? []).map((digest) => nameOf(digest) ?? short(digest));
  const time = clock(new Date(receipt.endTime));
  const at = receipt.attribution;
  const part = at
    ? bar({ shares: at.shares ?? [], base: at.basePpm ?? 0, unattributed: at.unattributedPpm ?? 0 })
    : el("div", { class: "fine" }, "not attributed yet");
  return el(
    "li",
    {},
    el(
      "a",
      { href: `#answers/${receipt.generationId}`, "aria-current": receipt.generationId === chosen ? "true" : null },
      el("span", { class: "line" }, el("b", {}, names.join(" + ") || "base"), el("time", { datetime: receipt.endTime }, time)),
      part,
    ),
  );
}

async function show(id) {
  const told = JSON.stringify(known.get(id) ?? id);
  if (id === "" || (shown.id === id && shown.told === told)) return;
  shown = { id, told };
  try {
    const receipt = await get(`receipts/${encodeURIComponent(id)}`);
    const parts = await answer(unbase64("the file", receipt.file), receipt.summary);
    if (shown.id === id) replace(detail, el("h2", {}, "Answer"), parts.filter((part) => part !== null));
  } catch (e) {
    if (shown.id === id) replace(detail, trouble(e));
  }
}
