// One photo of the grid: made once, then only brought up to date.

import { element, icon, setAttribute, setName, setText } from "./dom.js";
import { canApprove, canMark, canRevise, isShowable, roomOf, shownStatus } from "./files.js";

const ICON_OF = {
  uploaded: "upload",
  queued: "clock",
  in_progress: "work",
  done: "check",
  failed: "alert",
  attention: "alert",
};

export function makeTile(id) {
  const parts = {
    image: element("img", { alt: "", className: "picture", decoding: "async", hidden: true }),
    hint: element("span", { className: "picture-hint" }),
    name: element("h3", { className: "name" }),
    room: element("p", { className: "room" }),
    badges: element("p", { className: "badges" }),
    seals: element("p", { className: "seals" }),
    check: element("input", { type: "checkbox" }),
    checkText: element("span"),
    approved: element("p", { className: "approved", hidden: true }, [icon("check"), element("span")]),
    approve: button("approve", "button small", "check"),
    revise: button("revise", "button small quiet", "redo"),
  };
  parts.open = element("button", { type: "button", className: "open" }, [parts.image]);
  parts.open.dataset.act = "open";
  parts.check.dataset.act = "mark";
  parts.mark = element("label", { className: "mark" }, [parts.check, parts.checkText]);
  const actions = element("div", { className: "actions" }, [parts.mark, parts.approved, parts.approve, parts.revise]);
  const body = element("div", { className: "tile-body" }, [parts.name, parts.room, parts.badges, actions]);
  const frame = element("div", { className: "frame" }, [placeholder(parts.hint), parts.open, parts.seals]);
  const tile = element("li", { className: "tile" }, [frame, body]);
  tile.dataset.id = id;
  return { tile, parts };
}

function button(act, className, iconName) {
  const made = element("button", { type: "button", className }, [icon(iconName), element("span")]);
  made.dataset.act = act;
  return made;
}

function placeholder(hint) {
  return element("span", { className: "placeholder" }, [icon("image"), hint]);
}

export function updateTile({ tile, parts }, file, { i18n, isMissing }) {
  const { t } = i18n;
  const focused = tile.contains(document.activeElement) ? document.activeElement : null;
  setAttribute(tile, "data-status", shownStatus(file, isMissing));
  setName(parts.name, file.name);
  parts.name.title = file.name;
  setText(parts.room, lineOf(file, i18n));
  setAttribute(parts.open, "aria-label", t("picture.open", { name: file.name }));
  showBadges(parts.badges, [statusBadge(file, { t, isMissing })]);
  showBadges(parts.seals, lockOf(file, t));
  updateActions(parts, file, { t, isMissing });
  if (focused?.closest("[hidden]")) parts.open.focus({ preventScroll: true });
}

export function lineOf(file, { t, has }) {
  const version = file.ver > 1 ? t("version", { number: file.ver }) : "";
  return [roomOf(file, { t, has }) || t("picture.number", { number: file.index }), version].filter(Boolean).join(" · ");
}

export function updateBadges(place, file, { t, isMissing }) {
  const approved = file.approved ? [badge("is-approved", "check", t("approved"))] : [];
  showBadges(place, [statusBadge(file, { t, isMissing }), ...lockOf(file, t), ...approved]);
}

function statusBadge(file, { t, isMissing }) {
  const status = shownStatus(file, isMissing);
  return badge(`is-${status}`, ICON_OF[status] ?? "image", t(`status.${status}`));
}

// In the grid it lies on the picture's corner: it comes and goes, and nothing below may move for it.
const lockOf = (file, t) => (file.locked ? [badge("is-locked", "lock", t("locked"))] : []);

function showBadges(place, wanted) {
  const key = wanted.map((one) => `${one.className}${one.textContent}`).join("|");
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...wanted);
}

const badge = (kind, iconName, text) =>
  element("span", { className: `badge ${kind}` }, [icon(iconName), element("span", { textContent: text })]);

function updateActions(parts, file, { t, isMissing }) {
  parts.mark.hidden = !canMark(file, isMissing);
  parts.check.checked = file.marked;
  setText(parts.checkText, t("mark"));
  setAttribute(parts.check, "aria-label", t("mark.label", { name: file.name }));
  parts.approved.hidden = !file.approved;
  setText(parts.approved.lastElementChild, t("approved"));
  updateButton(parts.approve, "approve", canApprove(file), file, t);
  updateButton(parts.revise, "revision", canRevise(file), file, t);
}

export function updateButton(node, key, isShown, file, t) {
  node.hidden = !isShown;
  setText(node.lastElementChild, t(key));
  setAttribute(node, "aria-label", t(`${key}.label`, { name: file.name }));
  node.title = t(key);
}

export function showPictureState({ tile, parts, file }, result, t) {
  setAttribute(tile, "data-picture", result);
  setText(parts.hint, pictureText(result, file, t));
}

/** What stands where the picture would be. */
export function pictureText(result, file, t) {
  if (result === "failed" && !isShowable(file)) return t("picture.undisplayable");
  return { loading: t("picture.loading"), none: t("picture.none"), failed: t("picture.failed") }[result] ?? "";
}
