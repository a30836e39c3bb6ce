// Up to when the customer has looked at the notifications of an order, in this browser.

import { forThisBrowser } from "./session.js";

/** @typedef {ReturnType<typeof createSeen>} Seen */

const MOST = 99; // more are not counted, so no older ones are asked for

/** @param {string} orderId */
export function createSeen(orderId) {
  const key = `review_seen:${orderId}`;
  let since = forThisBrowser.get(key) ?? "";

  /** @param {{ created_at: string }[]} notifications */
  const fresh = (notifications) => notifications.filter(({ created_at }) => created_at > since).length;

  return {
    fresh,
    most: MOST,
    /**
     * Whether the number of new ones is known, as far as it is counted.
     * @param {{ created_at: string }[]} notifications
     * @param {string} back  all since then are known
     */
    isCounted: (notifications, back) => back <= since || fresh(notifications) > MOST,
    /** @param {string} time */
    mark(time) {
      since = time;
      forThisBrowser.set(key, time);
    },
  };
}
