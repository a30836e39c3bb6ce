// One look at the order: the counts always, the files and notifications when something changed or some time passed.

import { hasStatus, isFinal, isNetwork } from "./problems.js";

const LOOK_EVERY_MS = 25_000;
const PER_PAGE_MS = 1_900; // a long order is listed less often

export function createRefresh({ api, orderId, state, onProblem, onFine }) {
  let listed = { at: -Infinity, key: "", took: 0, touched: -1 };

  async function look() {
    const counts = await api.status(orderId);
    state.setCounts(counts);
    if (!isDue(counts)) return;
    const touched = state.get().touched;
    const key = JSON.stringify(counts);
    const [{ items }, pages] = await Promise.all([api.notifications(), list(touched)]);
    listed = { at: Date.now(), key, took: pages, touched };
    state.setNotifications(items);
  }

  function isDue(counts) {
    if (listed.touched !== state.get().touched) return true;
    const age = Date.now() - listed.at;
    const changed = listed.key !== JSON.stringify(counts);
    return age >= LOOK_EVERY_MS || (changed && age >= (listed.took - 1) * PER_PAGE_MS);
  }

  async function list(touched) {
    const files = [];
    let cursor = null;
    let pages = 0;
    do {
      const page = await api.files(orderId, cursor);
      files.push(...page.files);
      cursor = page.next_cursor;
      pages += 1;
      if (state.isStale(touched)) return pages; // an action came in between: this list is out of date
      if (cursor === null || !state.get().loaded || files.length > state.get().files.length) {
        state.setFiles([...files], { complete: cursor === null });
      }
    } while (cursor !== null);
    return pages;
  }

  /** "ok", "lost" (try again) or "stop" (the person has to act). */
  return async function refresh() {
    try {
      await look();
      onFine();
      return "ok";
    } catch (error) {
      onProblem(error);
      return outcomeOf(error);
    }
  };
}

function outcomeOf(error) {
  if (isNetwork(error)) return "lost";
  return isFinal(error) || hasStatus(error, 422) ? "stop" : "lost";
}
