// Where the API is, and which order this page shows.

export async function loadConfig() {
  const response = await fetch("/review-assets/config.json", { cache: "no-cache" });
  const config = await response.json();
  return { apiBase: String(config.api_base ?? "").replace(/\/+$/, "") };
}

export function orderIdFrom(path) {
  const found = /^\/orders\/([^/]+)\/review\/?$/.exec(path);
  return found ? decodeURIComponent(found[1]) : "";
}
