// What the page tells the person: one message per subject, above everything and never moving the page.

import { byId, element, icon, setAttribute, setText } from "./dom.js";

/** @import { I18n, TextKey } from "./i18n.js" */

/** @typedef {ReturnType<typeof createMessages>} Messages */
/** @typedef {"view" | "action" | "language" | "good"} Subject */
/** @typedef {"error" | "good"} Kind */
/** @typedef {() => string} Tell gives the text, again after a change of language */
/** @typedef {{ key: TextKey, run: () => void }} MessageAction */

/**
 * @typedef {object} Entry
 * @property {Tell} tell
 * @property {HTMLElement} node
 * @property {HTMLElement} says
 * @property {HTMLElement} close
 * @property {{ node: HTMLElement, key: TextKey } | null} press
 */

const GOOD_NEWS_MS = 6_000;

/** @param {I18n} i18n */
export function createMessages({ t, onChange }) {
  const place = byId("messages");
  /** @type {Map<Subject, Entry>} */
  const shown = new Map();

  /**
   * @param {Subject} subject
   * @param {Tell} tell
   * @param {{ kind?: Kind, action?: MessageAction | null, forMs?: number }} options  `forMs`: how long good news stays
   */
  function show(subject, tell, { kind = "error", action = null, forMs = GOOD_NEWS_MS } = {}) {
    const before = shown.get(subject);
    if (before && !action && before.says.textContent === tell()) return; // said already: a screen reader need not hear it again
    before?.node.remove();
    const entry = build(subject, tell, kind, action);
    shown.set(subject, entry);
    place.append(entry.node);
    if (kind === "good") setTimeout(() => shown.get(subject) === entry && clear(subject), forMs);
  }

  /**
   * Whether there was a message to take away.
   * @param {Subject} subject
   */
  function clear(subject) {
    shown.get(subject)?.node.remove();
    return shown.delete(subject);
  }

  /**
   * @param {Subject} subject
   * @param {Tell} tell
   * @param {Kind} kind
   * @param {MessageAction | null} action
   * @returns {Entry}
   */
  function build(subject, tell, kind, action) {
    const says = element("p");
    says.setAttribute("role", kind === "error" ? "alert" : "status");
    const press = action && { node: actionButton(action, () => clear(subject)), key: action.key };
    const close = element("button", { type: "button", className: "icon-button", onclick: () => clear(subject) });
    close.append(icon("close"));
    const pressed = press ? [press.node] : [];
    const parts = [icon(kind === "error" ? "alert" : "check"), says, ...pressed, close];
    const entry = { tell, says, press, close, node: element("div", { className: `message ${kind}` }, parts) };
    word(entry);
    return entry;
  }

  /** @param {Entry} entry */
  function word({ tell, says, press, close }) {
    setText(says, tell());
    if (press) setText(press.node, t(press.key));
    setAttribute(close, "aria-label", t("dismiss"));
  }

  onChange(() => shown.forEach(word));
  return { show, clear };
}

/**
 * @param {MessageAction} action
 * @param {() => void} close
 */
function actionButton({ key, run }, close) {
  const onclick = () => {
    if (key === "undo") close();
    run();
  };
  return element("button", { type: "button", className: "button small quiet", onclick });
}

/**
 * Says something to screen readers only.
 * @param {string} text
 */
export function announce(text) {
  setText(byId("announcer"), text);
}
