// What may be done with a file, and how its state is called.

/** A queued file whose original is missing waits for the customer, not for us: the notification says so. */
export function findsMissing(notifications) {
  const latest = new Map();
  for (const one of notifications) {
    const known = latest.get(one.file_id);
    if (!known || known.created_at < one.created_at) latest.set(one.file_id, one);
  }
  return (file) => {
    const last = file.status === "queued" ? latest.get(file.id) : undefined;
    return last?.type === "revision_required" && last.created_at >= file.updated_at;
  };
}

export const shownStatus = (file, isMissing) => (isMissing(file) ? "attention" : file.status);

export function canMark(file, isMissing) {
  return !file.locked && (file.status === "uploaded" || file.status === "failed" || isMissing(file));
}

export const canSubmit = (file, isMissing) => file.marked && canMark(file, isMissing);

export const canApprove = (file) => file.status === "done" && !file.approved && !file.locked;

export const canRevise = (file) => !file.locked && (file.status === "done" || file.status === "failed");

export const isMoving = (counts) => Boolean(counts) && counts.queued + counts.in_progress > 0;

export function roomOf(file, { t, has }) {
  if (!file.room_type) return "";
  const key = `room.${file.room_type.toLowerCase().replace(/[\s-]+/g, "_")}`;
  return has(key) ? t(key) : file.room_type;
}
