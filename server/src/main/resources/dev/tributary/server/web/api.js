// Asks this page's own server, read-only, with the key that the user gave, if any.

const KEY = "tributary-key";

/** What the server refused; its message is for people. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Kept as long as the tab is open. */
export function key() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function setKey(value) {
  if (value === "") sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, value);
}

/** The response to a method, with protobuf's JSON names. */
export async function get(path, fields = {}) {
  const query = Object.entries(fields)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  const headers = key() === "" ? {} : { Authorization: `Bearer ${key()}` };
  let response;
  try {
    response = await fetch(`/api/v1/${path}${query && "?"}${query}`, { headers, cache: "no-store" });
  } catch {
    throw new ApiError(0, "UNREACHABLE", "the server can't be reached");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body.code ?? "", body.message ?? `HTTP ${response.status}`);
  return body;
}
