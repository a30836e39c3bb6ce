// What is said of a photo and offered for it, in the grid and in the large view alike.

import { isShowable } from "../data/facts.js";
import { element, icon, setAttribute, setText } from "./dom.js";

/**
 * @import { Facts, ShownStatus } from "../data/facts.js"
 * @import { KnownFile } from "../data/state.js"
 * @import { I18n, Translate } from "./i18n.js"
 * @import { PictureState } from "./pictures.js"
 */

/** @typedef {ReturnType<typeof makeActionButton>} ActionButton */
/** @typedef {"approve" | "revision" | "remove"} ActionKey */

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
  const what = roomOf(file, i18n) || numberOf(file, i18n);
  return [what, version].filter(Boolean).join(" · ");
}

/**
 * @param {KnownFile} file
 * @param {I18n} i18n
 */
export function roomOf(file, { t, has }) {
  if (!file.room_type) return "";
  const key = `room.${file.room_type.toLowerCase().replace(/[\s-]+/g, "_")}`;
  return has(key) ? t(key) : file.room_type;
}

/** @type {(file: KnownFile, i18n: I18n) => string} */
export const numberOf = (file, { t }) => t("picture.number", { number: file.index });

/**
 * Why a photo came back, and what can be done; empty as long as that is not known.
 * @param {KnownFile} file
 * @param {Facts} facts
 * @param {Translate} t
 */
export function reasonText(file, facts, t) {
  const reason = facts.reasonOf(file);
  return reason ? t(`reason.${reason}`) : "";
}

/**
 * What stands where the picture would be, under the photo's number, room and name.
 * @param {PictureState | null} state
 * @param {KnownFile} file
 * @param {Translate} t
 */
export function pictureText(state, file, t) {
  if (state === "loading") return t("picture.loading");
  if (state === "failed") return t(isShowable(file) ? "picture.failed" : "picture.undisplayable");
  if (state !== "none" || file.status === "failed") return "";
  return t(file.status === "done" ? "picture.none" : "picture.before");
}

/**
 * @param {KnownFile} file
 * @param {{ t: Translate, facts: Facts }} page
 */
export function statusBadge(file, { t, facts }) {
  const status = facts.shownStatus(file);
  return makeBadge(`is-${status}`, ICON_OF[status], t(`status.${status}`));
}

/** @type {(t: Translate) => HTMLElement} */
export const lockBadge = (t) => makeBadge("is-locked", "lock", t("locked"));

/** @type {(t: Translate) => HTMLElement} */
export const approvalBadge = (t) => makeBadge("is-approved", "check", t("approved"));

/**
 * @param {string} kind
 * @param {string} iconName
 * @param {string} text
 */
const makeBadge = (kind, iconName, text) => element("span", { className: `badge ${kind}` }, [icon(iconName), text]);

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
 * @param {ActionKey} key
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
