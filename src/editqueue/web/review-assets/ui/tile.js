// One photo of the grid. Far from the window it is its name only; near it, it has the parts that its state asks for.

import { element, icon, setAttribute, setText } from "./dom.js";
import { lineOf, lockBadge, numberOf, pictureText, reasonText, roomOf, statusBadge } from "./photo.js";

/**
 * @import { Facts } from "../data/facts.js"
 * @import { KnownFile } from "../data/state.js"
 * @import { I18n, Translate } from "./i18n.js"
 * @import { ActionKey } from "./photo.js"
 * @import { PictureState } from "./pictures.js"
 */

/** @typedef {"open" | "mark" | "approve" | "revise" | "remove"} Act what a click asks for */
/** @typedef {ReturnType<typeof makeParts>} Parts */
/** @typedef {{ i18n: I18n, facts: Facts }} Page */

/** @param {string} id */
export function makeShell(id) {
  const node = element("li", { className: "tile" });
  node.dataset.id = id;
  return node;
}

/**
 * The parts that every tile near the window has.
 * @param {HTMLElement} node
 */
export function makeParts(node) {
  const open = asking("open", element("button", { type: "button", className: "open", tabIndex: -1 }));
  const name = element("h3", { className: "name" });
  const room = element("p", { className: "room" });
  const badge = element("p", { className: "badges" });
  const actions = element("div", { className: "actions" });
  node.replaceChildren(open, name, room, badge, actions);
  node.classList.add("is-near");
  const image = /** @type {HTMLImageElement | null} */ (null);
  return { open, name, room, badge, actions, image, drawn: { frame: "", actions: "", badge: "" } };
}

/**
 * @param {HTMLElement} node
 * @param {KnownFile} file
 */
export function makeFar(node, file) {
  node.classList.remove("is-near");
  node.removeAttribute("data-picture");
  node.replaceChildren(file.name);
}

/**
 * @template {HTMLElement} Kind
 * @param {Act} act
 * @param {Kind} node
 */
function asking(act, node) {
  node.dataset.act = act;
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {Parts} parts
 * @param {KnownFile} file
 * @param {Page} page
 */
export function updateTile(node, parts, file, page) {
  const { i18n, facts } = page;
  setAttribute(node, "data-status", facts.shownStatus(file));
  setText(parts.name, file.name);
  parts.name.title = file.name;
  setText(parts.room, lineOf(file, i18n));
  setAttribute(parts.open, "aria-label", i18n.t("picture.open", { name: file.name }));
  updateBadge(parts, file, page);
  updateActions(parts, file, page);
}

/**
 * @param {Parts} parts
 * @param {KnownFile} file
 * @param {Page} page
 */
function updateBadge({ badge, drawn }, file, { i18n: { t }, facts }) {
  const made = statusBadge(file, { t, facts });
  if (drawn.badge === made.textContent) return;
  drawn.badge = made.textContent ?? "";
  badge.replaceChildren(made);
}

/**
 * @param {Parts} parts
 * @param {KnownFile} file
 * @param {Page} page
 */
function updateActions(parts, file, { i18n: { t }, facts }) {
  const offers = OFFERS.filter((offer) => isOffered(offer, file, facts));
  const key = `${t("approve")}|${file.name}|${offers}`;
  if (parts.drawn.actions !== key) {
    const hadFocus = parts.actions.contains(document.activeElement);
    parts.drawn.actions = key;
    parts.actions.replaceChildren(...offers.map((offer) => MAKE[offer](file, t)));
    if (hadFocus) parts.open.focus({ preventScroll: true });
  }
  const check = parts.actions.querySelector("input");
  if (check) check.checked = facts.isSelected(file);
}

const OFFERS = /** @type {const} */ (["mark", "approved", "approve", "revise", "remove"]);
/** @typedef {typeof OFFERS[number]} Offer */

/**
 * @param {Offer} offer
 * @param {KnownFile} file
 * @param {Facts} facts
 */
function isOffered(offer, file, { canMark, canApprove, canRevise, canRemove }) {
  if (offer === "approved") return file.approved;
  return { mark: canMark, approve: canApprove, revise: canRevise, remove: canRemove }[offer](file);
}

/** @type {Record<Offer, (file: KnownFile, t: Translate) => HTMLElement>} */
const MAKE = {
  mark(file, t) {
    const check = asking("mark", element("input", { type: "checkbox", tabIndex: -1 }));
    check.setAttribute("aria-label", t("mark.label", { name: file.name }));
    return element("label", { className: "mark" }, [check, t("mark")]);
  },
  approved: (_, t) => element("p", { className: "approved", textContent: t("approved") }),
  approve: (file, t) => actionButton("approve", "approve", "button small", file, t),
  revise: (file, t) => actionButton("revise", "revision", "button small quiet", file, t, "redo"),
  remove: (file, t) => actionButton("remove", "remove", "button small quiet", file, t, "bin"),
};

/**
 * @param {Act} act
 * @param {ActionKey} key
 * @param {string} className
 * @param {KnownFile} file
 * @param {Translate} t
 * @param {string} [iconName]  stands alone where the screen is narrow
 */
function actionButton(act, key, className, file, t, iconName) {
  const says = iconName ? [icon(iconName), element("span", { textContent: t(key) })] : [t(key)];
  const button = asking(act, element("button", { type: "button", className, title: t(key), tabIndex: -1 }, says));
  button.setAttribute("aria-label", t(`${key}.label`, { name: file.name }));
  return button;
}

/**
 * What the frame holds: the picture, or in its place number, room and name in large; and why a photo came back.
 * @param {HTMLElement} node
 * @param {Parts} parts
 * @param {PictureState} state
 * @param {KnownFile} file
 * @param {Page} page
 */
export function showFrame(node, parts, state, file, { i18n, facts }) {
  setAttribute(node, "data-picture", state);
  const reason = facts.cameBack(file) ? reasonText(file, facts, i18n.t) : "";
  const hint = reason ? "" : pictureText(state, file, i18n.t);
  const key = [i18n.language(), state, reason, hint, file.name, file.locked, parts.image !== null].join("|");
  if (parts.drawn.frame === key) return;
  parts.drawn.frame = key;
  const card = state === "loaded" ? [] : [cardOf(state, file, hint, i18n)];
  const image = parts.image ? [parts.image] : [];
  parts.open.replaceChildren(...image);
  for (const old of node.querySelectorAll(":scope > :is(.card, .seal, .reason)")) old.remove();
  parts.open.after(...card);
  if (file.locked) parts.open.after(element("p", { className: "seal" }, [lockBadge(i18n.t)]));
  if (reason) parts.open.after(element("p", { className: "reason", textContent: reason }));
}

/**
 * @param {PictureState} state
 * @param {KnownFile} file
 * @param {string} hint
 * @param {I18n} i18n
 */
function cardOf(state, file, hint, i18n) {
  const says = element("span", { className: "picture-hint", textContent: hint });
  if (state === "loading") return element("p", { className: "card" }, [says]);
  const number = element("b", { className: "card-number", textContent: String(file.index) });
  const place = element("span", { className: "card-room", textContent: roomOf(file, i18n) || numberOf(file, i18n) });
  const name = element("span", { className: "card-name", textContent: file.name });
  const card = element("p", { className: "card" }, [number, place, name, ...(hint ? [says] : [])]);
  for (const repeated of hint ? [number, place, name] : [card]) repeated.setAttribute("aria-hidden", "true");
  return card;
}
