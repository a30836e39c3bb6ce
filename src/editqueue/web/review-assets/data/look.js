// One look at the order: the counts always, the files and notifications when something changed or some time passed.

import { decidedSince } from "./facts.js";
import { createFeed } from "./feed.js";

/**
 * @import { Api } from "./api.js"
 * @import { Known } from "./feed.js"
 * @import { Forecast } from "./forecast.js"
 * @import { Seen } from "./seen.js"
 * @import { KnownFile, State } from "./state.js"
 * @import { FileItem, StatusAnswer } from "./types.js"
 */

const LOOK_EVERY_MS = 25_000;
const PER_PAGE_MS = 1_900; // a long order is listed less often
const FIRST_PAGE = 24; // what a window shows, soon on a slow network too
const PAGE = 200;

/** @param {{ api: Api, orderId: string, state: State, seen: Seen, forecast: Forecast }} page */
export function createLook({ api, orderId, state, seen, forecast }) {
  const feed = createFeed({ api, orderId });
  let listed = { at: -Infinity, key: "", pages: 0, touched: -1 };

  /** Says whether every file was listed, as it is now. */
  async function look() {
    const asked = askCounts();
    if (listed.pages > 0 && !isDue(await asked)) return false;
    const { touched } = state.get();
    const [counts, pages] = await Promise.all([asked, list(touched)]);
    const key = isOf(counts, state.get().files) ? JSON.stringify(counts) : "";
    listed = { at: Date.now(), key, pages, touched };
    const { items } = await feed.refresh((known) => isEnough(known, state.get().files));
    state.setNotifications(items);
    return !state.isStale(touched);
  }

  async function askCounts() {
    const counts = await api.status(orderId);
    forecast.note(counts);
    state.setCounts(counts);
    return counts;
  }

  /** @param {StatusAnswer} counts */
  function isDue(counts) {
    if (isBehind()) return true;
    const age = Date.now() - listed.at;
    const changed = listed.key !== JSON.stringify(counts);
    return age >= LOOK_EVERY_MS || (changed && age >= (listed.pages - 1) * PER_PAGE_MS);
  }

  /** @param {number} touched */
  async function list(touched) {
    /** @type {FileItem[]} */
    const files = [];
    /** @type {string | null} */
    let cursor = null;
    let pages = 0;
    do {
      const page = await api.files(orderId, cursor, state.get().loaded ? PAGE : FIRST_PAGE);
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

  /** Whether something was done since the files were listed, so that they should be listed again soon. */
  const isBehind = () => listed.touched !== state.get().touched;

  /**
   * Whether every photo can be told what its notifications say of it, and the bell how many are new.
   * @param {Known} known
   * @param {KnownFile[]} files
   */
  function isEnough({ items, back }, files) {
    const told = new Set(items.map(({ file_id }) => file_id));
    const isDecided = files.every((file) => {
      const since = decidedSince(file);
      return since === null || told.has(file.id) || back < since;
    });
    return isDecided && (seen.isCounted(items, back) || files.every((file) => back < file.created_at));
  }

  return { look, isBehind };
}

/**
 * Whether the counts, asked for at the same time, are those of the list.
 * @param {StatusAnswer} counts
 * @param {KnownFile[]} files
 */
function isOf(counts, files) {
  const words = /** @type {const} */ (["queued", "in_progress", "done", "failed"]);
  return words.every((word) => counts[word] === files.filter(({ status }) => status === word).length);
}
