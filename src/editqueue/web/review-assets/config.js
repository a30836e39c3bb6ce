// Where the API is, and which order this page shows.

export async function loadConfig() {
  const response = await fetch("/review-assets/config.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  const config = await response.json();
  return { apiBase: String(config.api_base ?? "").replace(/\/+$/, "") };
}

/** The order's id; empty for an address that names none. */
export function orderIdFrom(path) {
  const found = /^\/orders\/([^/]+)\/review\/?$/.exec(path);
  try {
    return found ? decodeURIComponent(found[1]) : "";
  } catch {
    return "";
  }
}
