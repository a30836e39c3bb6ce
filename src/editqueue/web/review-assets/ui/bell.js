// Notifications of this order: how many are new, and a panel with those that need the customer first.

import { byId, closest, element, setAttribute, setText } from "./dom.js";

/**
 * @import { Facts } from "../data/facts.js"
 * @import { Seen } from "../data/seen.js"
 * @import { State } from "../data/state.js"
 * @import { NotificationItem } from "../data/types.js"
 * @import { I18n } from "./i18n.js"
 */

const SHOWN = 50; // at first, and more at each press

/** @param {{ i18n: I18n, state: State, facts: Facts, seen: Seen, openFile: (id: string) => void }} page */
export function createBell({ i18n, state, facts, seen, openFile }) {
  const bell = byId("bell");
  const panel = byId("bell-panel");
  const more = byId("bell-more");
  let most = SHOWN;
  let drawn = "";

  function render() {
    const { notifications } = state.get();
    const fresh = seen.fresh(notifications);
    byId("bell-count").hidden = fresh === 0;
    setText(byId("bell-count"), fresh > seen.most ? `${seen.most}+` : String(fresh));
    setAttribute(bell, "aria-label", labelOf(fresh));
    if (!panel.hidden) draw(sorted(notifications));
  }

  /** @param {number} fresh */
  function labelOf(fresh) {
    if (fresh === 0) return i18n.t("bell.label.none");
    return fresh > seen.most ? i18n.t("bell.label.many", { count: seen.most }) : i18n.count("bell.label", fresh);
  }

  /**
   * Those of photos that still need the customer come first, one a photo.
   * @param {NotificationItem[]} notifications
   */
  function sorted(notifications) {
    const open = new Set(
      state
        .get()
        .files.filter(facts.cameBack)
        .map((file) => file.id),
    );
    const urgent = notifications.filter(({ type, file_id }) => type === "revision_required" && open.delete(file_id));
    return [...urgent, ...notifications.filter((notification) => !urgent.includes(notification))];
  }

  /** @param {NotificationItem[]} notifications */
  function draw(notifications) {
    const shown = notifications.slice(0, most);
    const lines = shown.map(({ id, file_id }) => `${id}${state.has(file_id)}`);
    const key = `${i18n.language()}|${lines.join()}`;
    byId("bell-empty").hidden = shown.length > 0;
    byId("bell-list").hidden = shown.length === 0;
    more.hidden = shown.length === notifications.length;
    if (key === drawn) return;
    drawn = key;
    byId("bell-list").replaceChildren(...shown.map(entry));
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
    const newest = state.get().notifications[0];
    if (!open && newest) seen.mark(newest.created_at);
    if (!open) most = SHOWN;
    render();
  }

  function showMore() {
    most += SHOWN;
    render();
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
  more.addEventListener("click", showMore);
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  return render;
}
