// The notifications of the order, picked from those of the whole account. Page by page, as far back as somebody needs.

/**
 * @import { Api } from "./api.js"
 * @import { NotificationItem } from "./types.js"
 */

/** @typedef {ReturnType<typeof createFeed>} Feed */
/**
 * `items`: of the order, newest first. `back`: everything since then is known; empty when everything is.
 * @typedef {{ items: NotificationItem[], back: string }} Known
 */

const FIRST = 50;
const PAGE = 200;

/** @param {{ api: Api, orderId: string }} page */
export function createFeed({ api, orderId }) {
  /** @type {NotificationItem[]} of the whole account, newest first */
  let all = [];
  /** @type {string | null} where older ones begin; null when there are none */
  let deeper = null;
  let started = false;

  /**
   * Reads what is new, then back in time until `isEnough`.
   * @param {(known: Known) => boolean} isEnough
   */
  async function refresh(isEnough) {
    await catchUp();
    while (deeper !== null && !isEnough(known())) {
      const page = await api.notifications(deeper, PAGE);
      merge(page.items);
      deeper = page.next_cursor;
    }
    return known();
  }

  /** Nothing is kept before the gap to what is known is closed: a broken connection must not leave a hole. */
  async function catchUp() {
    const ids = new Set(all.map(({ id }) => id));
    /** @type {NotificationItem[]} */
    const fresh = [];
    /** @type {string | null} */
    let cursor = null;
    do {
      const page = await api.notifications(cursor, cursor === null ? FIRST : PAGE);
      fresh.push(...page.items);
      cursor = page.next_cursor;
      if (!started || ids.has(page.items.at(-1)?.id ?? "")) break;
    } while (cursor !== null);
    if (!started) deeper = cursor;
    started = true;
    merge(fresh);
  }

  /** @param {NotificationItem[]} items */
  function merge(items) {
    const byId = new Map([...all, ...items].map((item) => [item.id, item]));
    all = [...byId.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  }

  /** @returns {Known} */
  const known = () => ({
    items: all.filter((item) => item.order_id === orderId),
    back: deeper === null ? "" : (all.at(-1)?.created_at ?? ""),
  });

  return { refresh };
}
