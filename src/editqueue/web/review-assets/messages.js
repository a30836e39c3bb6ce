// What the page tells the person: one message per subject, above everything and never moving the page.

import { byId, element, icon, setText } from "./dom.js";

const GOOD_NEWS_MS = 6_000;

export function createMessages({ t }) {
  const place = byId("messages");
  const shown = new Map(); // subject -> node

  function show(subject, text, { kind = "error", action = null } = {}) {
    const before = shown.get(subject);
    if (before?.dataset.text === text) return; // said already: a screen reader need not hear it again
    before?.remove();
    const node = build(text, kind, action, () => clear(subject));
    shown.set(subject, node);
    place.append(node);
    if (kind === "good") setTimeout(() => shown.get(subject) === node && clear(subject), GOOD_NEWS_MS);
  }

  function clear(subject) {
    const node = shown.get(subject);
    shown.delete(subject);
    node?.remove();
    return Boolean(node);
  }

  function build(text, kind, action, close) {
    const says = element("p", { textContent: text });
    says.setAttribute("role", kind === "error" ? "alert" : "status");
    const parts = [icon(kind === "error" ? "alert" : "check"), says];
    if (action) parts.push(actionButton(action));
    parts.push(closeButton(close));
    const node = element("div", { className: `message ${kind}` }, parts);
    node.dataset.text = text;
    return node;
  }

  function closeButton(close) {
    const made = element("button", { type: "button", className: "icon-button", onclick: close }, [icon("close")]);
    made.setAttribute("aria-label", t("dismiss"));
    return made;
  }

  return { show, clear };
}

function actionButton({ text, run }) {
  return element("button", { type: "button", className: "button small quiet", textContent: text, onclick: run });
}

/** Says something to screen readers only. */
export function announce(text) {
  setText(byId("announcer"), text);
}
