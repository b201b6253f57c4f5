// Receipts from elsewhere: a file that the user drops onto the page, and the key to hold it against.
import { answer } from "./answer.js";
import { give } from "./pins.js";
import { MAX_BYTES } from "./receipt.js";
import { Refusal } from "./tlog.js";
import { el, replace, trouble } from "./view.js";

const out = el("article", { class: "detail", id: "dropped" });
const said = el("p", { class: "fine", "aria-live": "polite" });
const vkey = el("input", { type: "text", id: "vkey", spellcheck: "false", autocomplete: "off", placeholder: "NAME+ID+KEY" });
const file = el("input", { type: "file", id: "file", onchange: chosen });
let last = null;

export const view = el(
  "section",
  { class: "wide" },
  el("h2", {}, "Verify a receipt"),
  el("label", { class: "drop" }, el("span", {}, "Drop a receipt anywhere on the page, or choose its file"), file),
  el(
    "form",
    { class: "row", onsubmit: trust },
    el("label", { class: "grow" }, "Trust this key for its log from now on", vkey),
    el("button", { type: "submit" }, "Trust"),
  ),
  said,
  out,
);

/** Lets go of the file, so that the same one can be chosen again after it changed. */
function chosen() {
  const [one] = file.files;
  open(one).finally(() => {
    file.value = "";
  });
}

async function trust(event) {
  event.preventDefault();
  try {
    const key = await give(vkey.value);
    said.textContent = `Trusted for the log ${key.name}.`;
    if (last !== null) await open(last);
  } catch (e) {
    said.textContent = e instanceof Refusal ? `That is no log's key: ${e.message}.` : "This page can't compute here.";
  }
}

/** Shows what a receipt's file says and is worth. */
export async function open(dropped) {
  if (!dropped) return;
  last = dropped;
  if (dropped.size > MAX_BYTES) {
    replace(out, trouble(new Error("a receipt has at most 16 MiB")));
    return;
  }
  try {
    const parts = await answer(new Uint8Array(await dropped.arrayBuffer()), null);
    replace(out, parts.filter((part) => part !== null));
  } catch (e) {
    replace(out, trouble(e));
  }
}
