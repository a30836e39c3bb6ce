// Notifications: how many are new, and a panel with the latest.

import { byId, element, setAttribute, setText } from "./dom.js";
import { forThisBrowser } from "./storage.js";

const KEY = "review_notifications_seen";
const MOST = 99;

export function createBell({ i18n, state, openFile }) {
  const bell = byId("bell");
  const panel = byId("bell-panel");
  let seen = forThisBrowser.get(KEY) ?? "";
  let drawn = "";

  function render() {
    const { notifications } = state.get();
    const fresh = notifications.filter((one) => one.created_at > seen).length;
    byId("bell-count").hidden = fresh === 0;
    setText(byId("bell-count"), fresh > MOST ? `${MOST}+` : String(fresh));
    setAttribute(bell, "aria-label", fresh ? i18n.count("bell.label", fresh) : i18n.t("bell.label.none"));
    if (!panel.hidden) draw(notifications);
  }

  function draw(items) {
    const key = `${i18n.language()}|${items.map((one) => one.id + state.byIdHas(one.file_id)).join()}`;
    byId("bell-empty").hidden = items.length > 0;
    byId("bell-list").hidden = items.length === 0;
    if (key === drawn) return;
    drawn = key;
    byId("bell-list").replaceChildren(...items.map(entry));
  }

  function entry(one) {
    const text = element("span", { className: "note-text", lang: "de", textContent: one.message }); // in German, always
    const time = element("time", { dateTime: one.created_at, textContent: i18n.when(one.created_at) });
    const known = state.byIdHas(one.file_id);
    const inner = element(known ? "button" : "div", { className: "note-button" }, [text, time]);
    if (known) Object.assign(inner, { type: "button", onclick: () => follow(one.file_id) });
    return element("li", { className: `note is-${one.type}` }, [inner]);
  }

  function follow(fileId) {
    toggle(false);
    openFile(fileId);
  }

  function toggle(open) {
    panel.hidden = !open;
    setAttribute(bell, "aria-expanded", open);
    if (open) draw(state.get().notifications);
    else markSeen();
    render();
  }

  function markSeen() {
    seen = state.get().notifications[0]?.created_at ?? seen;
    forThisBrowser.set(KEY, seen);
  }

  function close(event) {
    if (panel.hidden || (event.type === "keydown" && event.key !== "Escape")) return;
    if (event.type === "click" && event.target.closest(".bell-place")) return;
    toggle(false);
    if (event.type === "keydown") bell.focus();
  }

  bell.addEventListener("click", () => toggle(panel.hidden));
  document.addEventListener("click", close);
  document.addEventListener("keydown", close);
  return render;
}
