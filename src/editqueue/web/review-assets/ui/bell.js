// Notifications: how many are new, and a panel with the latest.

import { forThisBrowser } from "../data/session.js";
import { byId, closest, element, setAttribute, setText } from "./dom.js";

/**
 * @import { State } from "../data/state.js"
 * @import { NotificationItem } from "../data/types.js"
 * @import { I18n } from "./i18n.js"
 */

const KEY = "review_notifications_seen";
const MOST = 99;

/** @param {{ i18n: I18n, state: State, openFile: (id: string) => void }} page */
export function createBell({ i18n, state, openFile }) {
  const bell = byId("bell");
  const panel = byId("bell-panel");
  let seen = forThisBrowser.get(KEY) ?? "";
  let drawn = "";

  function render() {
    const { notifications } = state.get();
    const fresh = notifications.filter((notification) => notification.created_at > seen).length;
    byId("bell-count").hidden = fresh === 0;
    setText(byId("bell-count"), fresh > MOST ? `${MOST}+` : String(fresh));
    setAttribute(bell, "aria-label", fresh ? i18n.count("bell.label", fresh) : i18n.t("bell.label.none"));
    if (!panel.hidden) draw(notifications);
  }

  /** @param {NotificationItem[]} notifications */
  function draw(notifications) {
    const lines = notifications.map(({ id, file_id }) => `${id}${state.has(file_id)}`);
    const key = `${i18n.language()}|${lines.join()}`;
    byId("bell-empty").hidden = notifications.length > 0;
    byId("bell-list").hidden = notifications.length === 0;
    if (key === drawn) return;
    drawn = key;
    byId("bell-list").replaceChildren(...notifications.map(entry));
  }

  /** @param {NotificationItem} notification */
  function entry({ type, message, created_at, file_id }) {
    const parts = [
      element("span", { className: "note-text", lang: "de", textContent: message }), // in German, always
      element("time", { dateTime: created_at, textContent: i18n.when(created_at) }),
    ];
    const className = "note-button";
    const inner = state.has(file_id)
      ? element("button", { type: "button", className, onclick: () => follow(file_id) }, parts)
      : element("div", { className }, parts);
    return element("li", { className: `note is-${type}` }, [inner]);
  }

  /** @param {string} fileId */
  function follow(fileId) {
    toggle(false);
    openFile(fileId);
  }

  /** @param {boolean} open */
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

  /** @param {MouseEvent} event */
  function onClick(event) {
    if (!panel.hidden && !closest(event, ".bell-place")) toggle(false);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (panel.hidden || event.key !== "Escape") return;
    toggle(false);
    bell.focus();
  }

  bell.addEventListener("click", () => toggle(Boolean(panel.hidden)));
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  return render;
}
