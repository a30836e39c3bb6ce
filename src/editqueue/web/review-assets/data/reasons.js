// Why a photo came back, read from its notification: the API says it in a German sentence and in no other way.

/** @typedef {"missing" | "broken_picture" | "not_a_picture" | "over_limit" | "unreadable" | "gave_up" | "unknown"} Reason */

/** @type {readonly (readonly [string, Reason])[]} what the sentence holds, the narrower first */
const SAYS = [
  ["wurde nicht gefunden", "missing"],
  ["Die Datei ist beschädigt oder unvollständig.", "broken_picture"],
  ["Die Datei ist kein Bild.", "not_a_picture"],
  ["Das Bild ist zu groß für die Bearbeitung.", "over_limit"],
  ["konnte nicht gelesen werden", "unreadable"],
  ["trotz mehrerer Versuche", "gave_up"],
];
/** @type {ReadonlySet<Reason>} */
const FINAL = new Set(["broken_picture", "not_a_picture", "over_limit", "unreadable"]);

/**
 * Reads what comes after the file's name, which stands in quotes and may hold anything.
 * @param {string} message
 * @returns {Reason}
 */
export function reasonIn(message) {
  const said = message.slice(message.lastIndexOf("“") + 1);
  return SAYS.find(([part]) => said.includes(part))?.[1] ?? "unknown";
}

/**
 * Whether neither another try nor a revision can help: only another file can.
 * @type {(reason: Reason | null) => boolean}
 */
export const isHopeless = (reason) => reason !== null && FINAL.has(reason);
