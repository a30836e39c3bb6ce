// What is known of a photo and what may be done with it.

import { isHopeless, reasonIn } from "./reasons.js";

/**
 * @import { Picks } from "./picks.js"
 * @import { Reason } from "./reasons.js"
 * @import { KnownFile, State } from "./state.js"
 * @import { FileStatus, NotificationItem } from "./types.js"
 */

/** @typedef {ReturnType<typeof createFacts>} Facts */
/** @typedef {FileStatus | "attention"} ShownStatus */

/** @param {{ state: State, picks: Picks }} page */
export function createFacts({ state, picks }) {
  const latestOf = createLatest(state);
  const isMissing = createMissing(latestOf);

  /** @type {(file: KnownFile) => boolean} */
  const cameBack = (file) => file.status === "failed" || isMissing(file);

  /**
   * Why it came back; null for one that did not, or before its notification was read.
   * @param {KnownFile} file
   * @returns {Reason | null}
   */
  function reasonOf(file) {
    const last = latestOf(file.id);
    return cameBack(file) && last?.type === "revision_required" ? reasonIn(last.message) : null;
  }

  /** @type {(file: KnownFile) => boolean} */
  const canMark = (file) =>
    !file.locked && (file.status === "uploaded" || (cameBack(file) && !isHopeless(reasonOf(file))));

  /**
   * The mark of a photo that came back is the one it was sent with: it has to be chosen anew.
   * @type {(file: KnownFile) => boolean}
   */
  const isSelected = (file) => canMark(file) && (cameBack(file) ? picks.has(file.id) : file.marked);

  return {
    isMissing,
    cameBack,
    reasonOf,
    canMark,
    isSelected,
    /** @type {(file: KnownFile) => ShownStatus} */
    shownStatus: (file) => (isMissing(file) ? "attention" : file.status),
    /** @type {(file: KnownFile) => boolean} */
    canApprove: (file) => file.status === "done" && !file.approved && !file.locked,
    /** @type {(file: KnownFile) => boolean} */
    canRevise: (file) =>
      !file.locked && (file.status === "done" || (file.status === "failed" && !isHopeless(reasonOf(file)))),
    /** @type {(file: KnownFile) => boolean} */
    canRemove: (file) => !file.locked && cameBack(file),
  };
}

/**
 * The newest notification of a file.
 * @param {State} state
 */
function createLatest(state) {
  /** @type {NotificationItem[]} */
  let known = [];
  /** @type {Map<string, NotificationItem>} */
  let latest = new Map();

  /** @param {string} id */
  return function latestOf(id) {
    const { notifications } = state.get();
    if (known !== notifications) latest = new Map(notifications.toReversed().map((item) => [item.file_id, item]));
    known = notifications;
    return latest.get(id);
  };
}

/**
 * A queued file whose original is missing waits for the customer, not for us: the notification says so. Marking it
 * changes its time but not that, so what was found is remembered. `sent` says that this page sent it off again: then its
 * notification so far is answered, whatever the clocks of two machines make of the times.
 * @param {(id: string) => NotificationItem | undefined} latestOf
 */
function createMissing(latestOf) {
  /** @type {Map<string, string>} file id -> id of the notification */
  const found = new Map();
  /** @type {Map<string, string | undefined>} likewise */
  const answered = new Map();

  /** @param {KnownFile} file */
  return function isMissing(file) {
    const last = latestOf(file.id);
    if (file.sent) answered.set(file.id, last?.id);
    if (file.status !== "queued" || last?.type !== "revision_required" || answered.get(file.id) === last.id) {
      found.delete(file.id);
      return false;
    }
    if (last.created_at >= file.updated_at || !file.marked) found.set(file.id, last.id);
    return found.get(file.id) === last.id;
  };
}

/**
 * Since when the newest notification of a file can have come, as far as that decides how it is shown; null when none
 * matters. A queued file that is marked was touched by its last event or by a mark after it; any other may be older.
 * @param {KnownFile} file
 */
export function decidedSince(file) {
  if (file.status === "failed") return file.created_at;
  if (file.status !== "queued" || file.sent) return null;
  return file.marked ? file.updated_at : file.created_at;
}

const BROWSERS_SHOW = new Set(["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]);

/**
 * A placeholder copy of an original that no browser shows is no failure that passes.
 * @type {(file: KnownFile) => boolean}
 */
export const isShowable = (file) => BROWSERS_SHOW.has(file.mime);
