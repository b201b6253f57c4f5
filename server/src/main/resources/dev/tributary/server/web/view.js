// Small pieces of the page. All text becomes text nodes; nothing is ever parsed as markup.

/** An element; properties that begin with "on" are listeners, the others attributes. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const replace = (element, ...children) => element.replaceChildren(...children.flat());

export function percent(ppm) {
  const value = ppm / 10_000;
  return `${value.toLocaleString("en-US", { maximumFractionDigits: value < 1 ? 2 : 1 })} %`;
}

export const number = (value) => Number(value).toLocaleString("en-US");

/** The end of a digest tells it apart well enough. */
export const short = (digest) => digest.replace(/^sha256:/, "").slice(0, 10);

export function clock(date) {
  const today = new Date().toDateString() === date.toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return today ? time : `${date.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}

/** A name that may be a pseudonym of 32 hex digits. */
export const called = (name) => (/^[0-9a-f]{32}$/.test(name) ? `contributor ${name.slice(0, 8)}` : name);

/** What went wrong, for people. */
export function trouble(error) {
  const hint = error.status === 401
    ? " Give one at the top of the page."
    : error.status === 403 ? " The key given at the top of the page has another role." : "";
  return el("p", { class: "trouble", role: "alert" }, `${sentence(error.message)}${hint}`);
}

function sentence(words) {
  const first = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

// Colours go to contributors in the order in which the page meets them, a golden angle apart.
const hues = new Map();

export function hue(name) {
  if (!hues.has(name)) hues.set(name, Math.round(212 + hues.size * 137.508) % 360);
  return hues.get(name);
}

/** The background of text or a bar that is of these contributors, as many as there are, in stripes. */
export function paint(element, names, kind) {
  const colours = names.map((name) => `hsl(${hue(name)} var(--${kind}-s) var(--${kind}-l))`);
  const stop = (i) => `${(i * 8).toString()}px`;
  element.style.background = colours.length === 1
    ? colours[0]
    : `repeating-linear-gradient(135deg, ${colours.map((c, i) => `${c} ${stop(i)} ${stop(i + 1)}`).join(", ")})`;
  return element;
}

/** A bar of shares: `{shares: [{contributor, ppm}], base, unattributed}`. */
export function bar(attribution) {
  const parts = attribution.shares.map((share) =>
    part(paint(el("span"), [share.contributor], "bar"), called(share.contributor), share.ppm));
  parts.push(part(el("span", { class: "base" }), "the base model", attribution.base));
  parts.push(part(el("span", { class: "nobody" }), "unattributed", attribution.unattributed));
  const words = parts.filter((each) => each !== null).map((each) => each.title).join(", ");
  return el("div", { class: "bar", role: "img", "aria-label": words }, parts);
}

function part(element, name, ppm) {
  if (ppm === 0) return null;
  element.title = `${name}: ${percent(ppm)}`;
  element.style.flexGrow = String(ppm);
  return element;
}

/** A list of names and values. */
export function facts(...pairs) {
  return el("dl", {}, pairs.filter((pair) => pair !== null).map(([name, ...value]) => [el("dt", {}, name), el("dd", {}, ...value)]).flat());
}
