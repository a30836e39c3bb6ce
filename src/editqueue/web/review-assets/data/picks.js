// Which photos that came back from editing the customer chose again. The server keeps the mark they were first sent with
// and cannot tell both apart, so this is kept here, for all tabs of this browser.

import { forThisBrowser } from "./session.js";

/** @typedef {ReturnType<typeof createPicks>} Picks */

/**
 * @param {string} orderId
 * @param {() => void} onChanged  another tab changed them
 */
export function createPicks(orderId, onChanged) {
  const key = `review_picks:${orderId}`;
  let picked = read();

  function read() {
    return new Set((forThisBrowser.get(key) ?? "").split(" ").filter(Boolean));
  }

  function keep() {
    if (picked.size > 0) forThisBrowser.set(key, [...picked].join(" "));
    else forThisBrowser.remove(key);
  }

  addEventListener("storage", (event) => {
    if (event.key !== key) return;
    picked = read();
    onChanged();
  });
  return {
    /** @param {string} id */
    has: (id) => picked.has(id),
    /**
     * @param {string[]} ids
     * @param {boolean} isPicked
     */
    set(ids, isPicked) {
      for (const id of ids) isPicked ? picked.add(id) : picked.delete(id);
      keep();
    },
  };
}
