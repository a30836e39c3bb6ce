// What is said of a photo and offered for it, in the grid and in the large view alike.

import { isShowable, shownStatus } from "../data/files.js";
import { element, icon, setAttribute, setText } from "./dom.js";

/**
 * @import { IsMissing, ShownStatus } from "../data/files.js"
 * @import { KnownFile } from "../data/state.js"
 * @import { I18n, Translate } from "./i18n.js"
 * @import { PictureState } from "./pictures.js"
 */

/** @typedef {ReturnType<typeof makeActionButton>} ActionButton */

/** @type {Record<ShownStatus, string>} */
const ICON_OF = {
  uploaded: "upload",
  queued: "clock",
  in_progress: "work",
  done: "check",
  failed: "alert",
  attention: "alert",
};

/**
 * The room, or the photo's number where the room is not known, and the version from the second on.
 * @param {KnownFile} file
 * @param {I18n} i18n
 */
export function lineOf(file, i18n) {
  const version = file.ver > 1 ? i18n.t("version", { number: file.ver }) : "";
  const what = roomOf(file, i18n) || i18n.t("picture.number", { number: file.index });
  return [what, version].filter(Boolean).join(" · ");
}

/**
 * @param {KnownFile} file
 * @param {I18n} i18n
 */
function roomOf(file, { t, has }) {
  if (!file.room_type) return "";
  const key = `room.${file.room_type.toLowerCase().replace(/[\s-]+/g, "_")}`;
  return has(key) ? t(key) : file.room_type;
}

/**
 * What stands where the picture would be.
 * @param {PictureState | null} state
 * @param {KnownFile} file
 * @param {Translate} t
 */
export function pictureText(state, file, t) {
  if (state === "loading") return t("picture.loading");
  if (state === "none") return t("picture.none");
  if (state === "failed") return t(isShowable(file) ? "picture.failed" : "picture.undisplayable");
  return "";
}

/**
 * @param {KnownFile} file
 * @param {{ t: Translate, isMissing: IsMissing }} page
 */
export function statusBadge(file, { t, isMissing }) {
  const status = shownStatus(file, isMissing);
  return badge(`is-${status}`, ICON_OF[status], t(`status.${status}`));
}

/**
 * In the grid it lies on the picture's corner: it comes and goes, and nothing below may move for it.
 * @param {KnownFile} file
 * @param {Translate} t
 */
export const lockBadges = (file, t) => (file.locked ? [badge("is-locked", "lock", t("locked"))] : []);

/**
 * @param {KnownFile} file
 * @param {Translate} t
 */
export const approvalBadges = (file, t) => (file.approved ? [badge("is-approved", "check", t("approved"))] : []);

/**
 * @param {string} kind
 * @param {string} iconName
 * @param {string} text
 */
const badge = (kind, iconName, text) =>
  element("span", { className: `badge ${kind}` }, [icon(iconName), element("span", { textContent: text })]);

/**
 * Replaces the badges only when they say something else: a screen reader must not hear them again.
 * @param {HTMLElement} place
 * @param {HTMLElement[]} badges
 */
export function showBadges(place, badges) {
  const key = badges.map(({ className, textContent }) => `${className}${textContent}`).join("|");
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...badges);
}

/**
 * @param {string} iconName
 * @param {string} className
 */
export function makeActionButton(iconName, className) {
  const label = element("span");
  return { label, node: element("button", { type: "button", className }, [icon(iconName), label]) };
}

/**
 * @param {ActionButton} button
 * @param {"approve" | "revision"} key
 * @param {boolean} isShown
 * @param {KnownFile} file
 * @param {Translate} t
 */
export function updateActionButton({ node, label }, key, isShown, file, t) {
  node.hidden = !isShown;
  node.title = t(key);
  setText(label, t(key));
  setAttribute(node, "aria-label", t(`${key}.label`, { name: file.name }));
}
