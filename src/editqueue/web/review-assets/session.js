// The token of a link (#token=...). A fragment never reaches a server; it leaves the address bar at once.

import { forThisTab } from "./storage.js";

const KEY = "review_token";

/** Whether the address brought a token. */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (!token) return false;
  forThisTab.set(KEY, token);
  fragment.delete("token");
  const rest = fragment.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest && `#${rest}`));
  return true;
}

export const currentToken = () => forThisTab.get(KEY);

export const forgetToken = () => forThisTab.remove(KEY);
