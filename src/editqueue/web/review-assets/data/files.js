// What may be done with a file, and how its state is called.

/**
 * @import { KnownFile, State } from "./state.js"
 * @import { FileStatus, NotificationItem } from "./types.js"
 */

/** @typedef {(file: KnownFile) => boolean} IsMissing */
/** @typedef {FileStatus | "attention"} ShownStatus */

/**
 * A queued file whose original is missing waits for the customer, not for us: the notification says so. Marking it
 * changes its time but not that, so what was found is remembered; `sent` says that this page sent it off again.
 * @param {State} state
 * @returns {IsMissing}
 */
export function createMissing(state) {
  /** @type {Map<string, string>} file id -> id of the notification */
  const found = new Map();
  /** @type {NotificationItem[]} */
  let known = [];
  /** @type {Map<string, NotificationItem>} */
  let latest = new Map();

  return function isMissing(file) {
    const last = latestOf(file.id);
    if (file.status !== "queued" || file.sent || last?.type !== "revision_required") {
      found.delete(file.id);
      return false;
    }
    if (last.created_at >= file.updated_at || !file.marked) found.set(file.id, last.id);
    return found.get(file.id) === last.id;
  };

  /** @param {string} id */
  function latestOf(id) {
    const { notifications } = state.get();
    if (known !== notifications) latest = latestByFile(notifications);
    known = notifications;
    return latest.get(id);
  }
}

/**
 * The newest notification of each file.
 * @param {NotificationItem[]} notifications
 */
function latestByFile(notifications) {
  /** @type {Map<string, NotificationItem>} */
  const latest = new Map();
  for (const notification of notifications) {
    const before = latest.get(notification.file_id);
    if (!before || before.created_at < notification.created_at) latest.set(notification.file_id, notification);
  }
  return latest;
}

/** @type {(file: KnownFile, isMissing: IsMissing) => ShownStatus} */
export const shownStatus = (file, isMissing) => (isMissing(file) ? "attention" : file.status);

/** @type {(file: KnownFile, isMissing: IsMissing) => boolean} */
export const canMark = (file, isMissing) =>
  !file.locked && (file.status === "uploaded" || file.status === "failed" || isMissing(file));

/** @type {(file: KnownFile, isMissing: IsMissing) => boolean} */
export const canSubmit = (file, isMissing) => file.marked && canMark(file, isMissing);

/** @type {(file: KnownFile) => boolean} */
export const canApprove = (file) => file.status === "done" && !file.approved && !file.locked;

/** @type {(file: KnownFile) => boolean} */
export const canRevise = (file) => !file.locked && (file.status === "done" || file.status === "failed");

const BROWSERS_SHOW = new Set(["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]);

/**
 * A placeholder copy of an original that no browser shows is no failure that passes.
 * @type {(file: KnownFile) => boolean}
 */
export const isShowable = (file) => BROWSERS_SHOW.has(file.mime);
