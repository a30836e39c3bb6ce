// Whose order this is and what the browser keeps: the order of the address, the token of a link, what was chosen and seen.

const TOKEN_KEY = "review_token";

/** A browser that keeps nothing (private window, blocked storage) must not stop the page. */
export const forThisTab = keeper(() => sessionStorage);
export const forThisBrowser = keeper(() => localStorage);

/**
 * The order's id; empty for an address that names none.
 * @param {string} path
 */
export function orderIdFrom(path) {
  const id = /^\/orders\/([^/]+)\/review\/?$/.exec(path)?.[1];
  try {
    return id ? decodeURIComponent(id) : "";
  } catch {
    return "";
  }
}

/**
 * Keeps the token of a link (#token=...), if the address has one, and says whether. A fragment never reaches a server;
 * it leaves the address bar at once.
 */
export function takeToken() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (!token) return false;
  forThisTab.set(TOKEN_KEY, token);
  fragment.delete("token");
  const rest = fragment.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest && `#${rest}`));
  return true;
}

export const currentToken = () => forThisTab.get(TOKEN_KEY);

export const forgetToken = () => forThisTab.remove(TOKEN_KEY);

/** @param {() => Storage} storage  may throw */
function keeper(storage) {
  /** @type {Map<string, string>} */
  const meanwhile = new Map();
  return {
    /** @param {string} key */
    get: (key) => attempt(() => storage().getItem(key)) ?? meanwhile.get(key) ?? null,
    /**
     * @param {string} key
     * @param {string} value
     */
    set(key, value) {
      meanwhile.set(key, value);
      attempt(() => storage().setItem(key, value));
    },
    /** @param {string} key */
    remove(key) {
      meanwhile.delete(key);
      attempt(() => storage().removeItem(key));
    },
  };
}

/**
 * @template Result
 * @param {() => Result} access
 */
function attempt(access) {
  try {
    return access();
  } catch {
    return null;
  }
}
