// Approvals wait a few seconds before they are sent, so that they can be taken back. Nothing else can take them back: the
// API has no way to. Those that wait are sent when the tab is left, and after a crash when it comes back.

import { forThisTab } from "./session.js";

const KEY = "review_approving";
export const UNDO_MS = 5_000;

/** @typedef {ReturnType<typeof createApprovals>} Approvals */

/** @param {{ send: (id: string) => void }} page */
export function createApprovals({ send }) {
  /** @type {Map<string, number>} file id -> its timer */
  const waiting = new Map();
  let left = (forThisTab.get(KEY) ?? "").split(" ").filter(Boolean);

  /** @param {string} id */
  function add(id) {
    waiting.set(
      id,
      setTimeout(() => go(id), UNDO_MS),
    );
    keep();
  }

  /** @param {string} id */
  function go(id) {
    if (take(id)) send(id);
  }

  /**
   * Whether it still waited.
   * @param {string} id
   */
  function take(id) {
    clearTimeout(waiting.get(id));
    const waited = waiting.delete(id);
    keep();
    return waited;
  }

  function keep() {
    const ids = [...left, ...waiting.keys()];
    if (ids.length > 0) forThisTab.set(KEY, ids.join(" "));
    else forThisTab.remove(KEY);
  }

  function sendAll() {
    for (const id of [...waiting.keys()]) go(id);
  }

  document.addEventListener("visibilitychange", () => document.hidden && sendAll());
  addEventListener("pagehide", sendAll);
  /** Those that a crash kept from being sent. */
  function sendLeft() {
    for (const id of left) send(id);
    left = [];
    keep();
  }

  return { add, take, sendLeft };
}
