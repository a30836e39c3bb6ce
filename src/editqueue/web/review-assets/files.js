// What may be done with a file, and how its state is called.

/**
 * A queued file whose original is missing waits for the customer, not for us: the notification says so. Marking it
 * changes its time but not that, so what was found is remembered; `sent` says that this page sent it off again.
 */
export function createMissing() {
  const found = new Map(); // file id -> id of the notification

  return function isMissing(file, latest) {
    const last = latest.get(file.id);
    if (file.status !== "queued" || file.sent || last?.type !== "revision_required") {
      found.delete(file.id);
      return false;
    }
    if (last.created_at >= file.updated_at || !file.marked) found.set(file.id, last.id);
    return found.get(file.id) === last.id;
  };
}

/** The newest notification of each file. */
export function latestByFile(notifications) {
  const latest = new Map();
  for (const one of notifications) {
    const known = latest.get(one.file_id);
    if (!known || known.created_at < one.created_at) latest.set(one.file_id, one);
  }
  return latest;
}

export const shownStatus = (file, isMissing) => (isMissing(file) ? "attention" : file.status);

export function canMark(file, isMissing) {
  return !file.locked && (file.status === "uploaded" || file.status === "failed" || isMissing(file));
}

export const canSubmit = (file, isMissing) => file.marked && canMark(file, isMissing);

export const canApprove = (file) => file.status === "done" && !file.approved && !file.locked;

export const canRevise = (file) => !file.locked && (file.status === "done" || file.status === "failed");

const BROWSERS_SHOW = new Set(["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]);

/** A placeholder copy of an original that no browser shows is no failure that passes. */
export const isShowable = (file) => BROWSERS_SHOW.has(file.mime);

export function roomOf(file, { t, has }) {
  if (!file.room_type) return "";
  const key = `room.${file.room_type.toLowerCase().replace(/[\s-]+/g, "_")}`;
  return has(key) ? t(key) : file.room_type;
}
