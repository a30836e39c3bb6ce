// What the page tells the person: one message per subject, above everything and never moving the page.

import { byId, element, icon, setAttribute, setText } from "./dom.js";

const GOOD_NEWS_MS = 6_000;

export function createMessages({ t, onChange }) {
  const place = byId("messages");
  const shown = new Map(); // subject -> { tell, node, says, press, close, action }

  /** `tell` gives the text, again after a change of language. */
  function show(subject, tell, { kind = "error", action = null } = {}) {
    const before = shown.get(subject);
    if (before && before.says.textContent === tell()) return; // said already: a screen reader need not hear it again
    before?.node.remove();
    const entry = build(subject, tell, kind, action);
    shown.set(subject, entry);
    place.append(entry.node);
    if (kind === "good") setTimeout(() => shown.get(subject) === entry && clear(subject), GOOD_NEWS_MS);
  }

  function clear(subject) {
    const entry = shown.get(subject);
    shown.delete(subject);
    entry?.node.remove();
    return Boolean(entry);
  }

  function build(subject, tell, kind, action) {
    const says = element("p");
    says.setAttribute("role", kind === "error" ? "alert" : "status");
    const press = action && element("button", { type: "button", className: "button small quiet", onclick: action.run });
    const close = element("button", { type: "button", className: "icon-button", onclick: () => clear(subject) });
    close.append(icon("close"));
    const parts = [icon(kind === "error" ? "alert" : "check"), says, press, close].filter(Boolean);
    const entry = { tell, says, press, close, action, node: element("div", { className: `message ${kind}` }, parts) };
    word(entry);
    return entry;
  }

  function word({ tell, says, press, close, action }) {
    setText(says, tell());
    if (press) setText(press, t(action.key));
    setAttribute(close, "aria-label", t("dismiss"));
  }

  onChange(() => shown.forEach(word));
  return { show, clear };
}

/** Says something to screen readers only. */
export function announce(text) {
  setText(byId("announcer"), text);
}
