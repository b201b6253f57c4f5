// Adapters: where their weights are, which versions answer to which part, and how these fare.
import { get } from "./api.js";
import { clock, el, number, percent, replace, short, trouble } from "./view.js";

const MOST = 100;
const OPEN_AT_FIRST = 6;
const TIERS = { TIER_DEVICE: "device", TIER_HOST: "host", TIER_DISK: "disk", TIER_REMOTE: "remote" };

/** All `name@number` that a digest has. */
const names = new Map();

/** By name: versions as they were told. */
const versions = new Map();
const open = new Set();
let drawn = "";
let first = true;

const body = el("div", { class: "adapters", id: "adapters" });
const notice = el("div");
export const view = el("section", { class: "wide" }, el("h2", {}, "Adapters"), notice, body);

/** What people call the weights of this digest; undefined if they were not met. */
export const nameOf = (digest) => names.has(digest) ? [...names.get(digest)].join(" or ") : undefined;

function learn(version) {
  if (!version) return;
  if (!names.has(version.digest)) names.set(version.digest, new Set());
  names.get(version.digest).add(`${version.adapter.replace(/^public\//, "")}@${version.number}`);
}

/** Learns names alone. */
export async function learnNames() {
  const page = await get("adapters", { page_size: MOST });
  for (const adapter of page.adapters ?? []) {
    learn(adapter.prodVersion);
    if (adapter.versionCount > 1 && !versions.has(adapter.name)) await look(adapter.name);
  }
  return page.adapters ?? [];
}

async function look(name) {
  const page = await get(`adapters/${name.split("/").map(encodeURIComponent).join("/")}/versions`, { page_size: 20 });
  versions.set(name, page.versions ?? []);
  (page.versions ?? []).forEach(learn);
}

export async function refresh() {
  try {
    const adapters = await learnNames();
    if (first) adapters.slice(0, OPEN_AT_FIRST).forEach((adapter) => open.add(adapter.name));
    first = false;
    await Promise.all(adapters.filter((adapter) => open.has(adapter.name)).map((adapter) => look(adapter.name)));
    replace(notice);
    const state = JSON.stringify([adapters, [...versions], [...open]]);
    if (state !== drawn) replace(body, adapters.length === 0 ? el("p", { class: "fine" }, "None yet.") : adapters.map(card));
    drawn = state;
  } catch (e) {
    replace(notice, trouble(e));
  }
}

function card(adapter) {
  const toggled = (event) => {
    if (event.target.open === open.has(adapter.name)) return;
    if (event.target.open) open.add(adapter.name);
    else open.delete(adapter.name);
    refresh();
  };
  const prod = adapter.prodVersion;
  return el(
    "details",
    { class: "card", open: open.has(adapter.name), ontoggle: toggled },
    el(
      "summary",
      {},
      el("b", {}, adapter.name),
      prod ? tier(prod) : el("span", { class: "fine" }, "no prod"),
      el("span", { class: "fine" }, `${adapter.versionCount} ${adapter.versionCount === 1 ? "version" : "versions"}`),
    ),
    adapter.description ? el("p", {}, adapter.description) : null,
    (adapter.aliases ?? []).map(alias),
    table(versions.get(adapter.name) ?? []),
  );
}

const tier = (version) => {
  const where = TIERS[version.tier] ?? "unknown";
  return el("span", { class: `tier ${where}` }, version.pinned ? `${where}, pinned` : where);
};

/** Which versions an alias leads to, by weight. */
function alias(each) {
  const targets = each.targets ?? [];
  const whole = targets.reduce((sum, target) => sum + (target.weight ?? 0), 0);
  const parts = targets.filter((target) => target.weight > 0).map((target, i) => {
    const part = el("span", { class: `weight w${i % 4}` }, `@${target.number} ${percent((target.weight / whole) * 1e6)}`);
    part.style.flexGrow = String(target.weight);
    return part;
  });
  const shadow = each.shadow ? el("span", { class: "fine" }, `shadow @${each.shadow.number}, ${percent(each.shadow.sharePpm)} of answers`) : null;
  return el("div", { class: "alias" }, el("code", {}, each.name), el("div", { class: "weights" }, parts), shadow);
}

function table(all) {
  if (all.length === 0) return null;
  const head = ["version", "weights in", "rank", "answers", "errors", "first token p95", "made"];
  const rows = all.map((version) => {
    const figures = version.figures ?? {};
    const state = version.state === "STATE_READY" ? null : el("div", { class: "trouble" }, `${(version.state ?? "").replace("STATE_", "").toLowerCase()} ${version.stateReason ?? ""}`);
    const withdrawn = version.withdrawnContributions ? el("div", { class: "trouble" }, `${version.withdrawnContributions} contributions withdrawn since`) : null;
    const cells = [
      [`@${version.number} `, el("code", {}, short(version.digest)), state, withdrawn],
      [tier(version)],
      [String(version.rank ?? "")],
      [number(figures.answers ?? 0)],
      [number(figures.errors ?? 0)],
      [figures.firstTokenP95 ? `${Math.round(parseFloat(figures.firstTokenP95) * 1000)} ms` : "\u2013"],
      [clock(new Date(version.createTime))],
    ];
    return el("tr", {}, cells.map((cell) => el("td", {}, cell)));
  });
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, head.map((word) => el("th", { scope: "col" }, word)))), el("tbody", {}, rows)));
}
