// Which key of a log this browser trusts: the one that its user gave, else the one that was shown at first contact. It
// never comes from a receipt, and what the server shows later changes nothing.
import { get } from "./api.js";
import { checkpoint, note, require, signatureProblem, utf8, verifierKey } from "./tlog.js";

const PREFIX = "tributary-pin:";

/** `{vkey, how}` of the log's key; null if there is none. */
function pinned(origin) {
  const kept = localStorage.getItem(PREFIX + origin);
  return kept === null ? null : JSON.parse(kept);
}

function pin(key, how) {
  localStorage.setItem(PREFIX + key.name, JSON.stringify({ vkey: key.vkey, how }));
}

/** From now on the key that the user gives, of the log that it names. */
export async function give(vkey) {
  const key = await verifierKey(vkey.trim());
  pin(key, "given by you");
  return key;
}

/** The key to trust for a log, which may be that of this server, met now for the first time; null if there is none. */
export async function trusted(origin) {
  const before = pinned(origin);
  if (before !== null) return before;
  const shown = await get("checkpoint").catch(() => null);
  if (shown?.origin !== origin) return null;
  const key = await verifierKey(shown.verifierKey);
  require(key.name === origin, "the server shows the key of another log");
  const parsed = note(utf8(shown.note));
  const problem = await signatureProblem(parsed, await checkpoint(parsed.text), key);
  require(problem === null, "the server's checkpoint is not signed with the key that it shows");
  pin(key, `pinned at first contact, ${new Date().toISOString().slice(0, 10)}`);
  return pinned(origin);
}
