// The page: which view is shown, and when it looks again.
import { get, key, setKey } from "./api.js";
import * as adapters from "./adapters.js";
import * as answers from "./answers.js";
import * as statement from "./statement.js";
import * as verify from "./verify.js";
import { el, number, replace } from "./view.js";

const EVERY = 2_000;
const VIEWS = { answers, adapters, statement, verify };
const main = document.getElementById("main");
const status = document.getElementById("status");

function place() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  return { name: Object.hasOwn(VIEWS, name) ? name : "answers", rest: rest.map(decodeURIComponent).join("/") };
}

let looking = false;
let again = false;

/** Never twice at once: a look that is asked for meanwhile comes after. */
async function look() {
  again = looking;
  if (looking) return;
  looking = true;
  try {
    const { name, rest } = place();
    await serving();
    await VIEWS[name].refresh?.(rest);
  } finally {
    looking = false;
    if (again) look();
  }
}

let base = "";
let said = "";

/** Told again only if it is news: screen readers read it out. */
function tell(words, live) {
  if (said === words) return;
  said = words;
  replace(status, el("span", { class: live ? "live" : "live off" }), words);
}

async function serving() {
  try {
    if (base === "") {
      const model = await get("model");
      base = `${model.baseName} on ${model.device?.name ?? "?"}`;
      await adapters.learnNames();
    }
    const checkpoint = await get("checkpoint").catch(() => null);
    const log = checkpoint === null ? "no log" : `log ${checkpoint.origin}, ${number(checkpoint.size ?? 0)} leaves`;
    tell(`${base} \u00b7 ${log}`, true);
  } catch (e) {
    base = "";
    tell(e.message, false);
  }
}

function navigate() {
  const { name } = place();
  if (main.firstChild !== VIEWS[name].view) replace(main, VIEWS[name].view);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  look();
}

const field = document.getElementById("key");
const holder = document.getElementById("holder");
document.getElementById("keys").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(field.value.trim());
  field.value = "";
  holder.open = false;
  keyed();
  answers.forget();
  base = "";
  look();
});

function keyed() {
  document.getElementById("keyed").textContent = key() === "" ? "API key" : "API key: given";
}

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (!file) return;
  location.hash = "#verify";
  verify.open(file);
});
addEventListener("hashchange", navigate);
document.addEventListener("visibilitychange", () => document.hidden || look());
setInterval(() => document.hidden || look(), EVERY);
keyed();
navigate();
