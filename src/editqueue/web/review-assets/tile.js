// One photo of the grid: made once, then only brought up to date.

import { element, icon, setAttribute, setText } from "./dom.js";
import { canApprove, canMark, canRevise, roomOf, shownStatus } from "./files.js";

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
    check: element("input", { type: "checkbox" }),
    checkText: element("span"),
    approve: button("approve", "button small", "check"),
    revise: button("revise", "button small quiet", "redo"),
  };
  parts.open = element("button", { type: "button", className: "open" }, [parts.image]);
  parts.open.dataset.act = "open";
  parts.check.dataset.act = "mark";
  parts.mark = element("label", { className: "mark" }, [parts.check, parts.checkText]);
  const actions = element("div", { className: "actions" }, [parts.mark, parts.approve, parts.revise]);
  const body = element("div", { className: "tile-body" }, [parts.name, parts.room, parts.badges, actions]);
  const frame = element("div", { className: "frame" }, [placeholder(parts.hint), parts.open]);
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
  setText(parts.name, file.name);
  parts.name.title = file.name;
  setText(parts.room, lineOf(file, i18n));
  setAttribute(parts.open, "aria-label", t("picture.open", { name: file.name }));
  updateBadges(parts.badges, file, { t, isMissing });
  updateActions(parts, file, { t, isMissing });
  if (focused?.closest("[hidden]")) parts.open.focus({ preventScroll: true });
}

export function lineOf(file, { t, has }) {
  const version = file.ver > 1 ? t("version", { number: file.ver }) : "";
  return [roomOf(file, { t, has }) || t("picture.number", { number: file.index }), version].filter(Boolean).join(" · ");
}

export function updateBadges(place, file, { t, isMissing }) {
  const status = shownStatus(file, isMissing);
  const wanted = [badge(`is-${status}`, ICON_OF[status] ?? "image", t(`status.${status}`))];
  if (file.locked) wanted.push(badge("is-locked", "lock", t("locked")));
  if (file.approved) wanted.push(badge("is-approved", "check", t("approved")));
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
  updateButton(parts.approve, "approve", canApprove(file), file, t);
  updateButton(parts.revise, "revision", canRevise(file), file, t);
}

export function updateButton(node, key, isShown, file, t) {
  node.hidden = !isShown;
  setText(node.lastElementChild, t(key));
  setAttribute(node, "aria-label", t(`${key}.label`, { name: file.name }));
}

export function showPictureState({ tile, parts }, result, t) {
  if (result === "dropped") return;
  setAttribute(tile, "data-picture", result);
  const text = { none: "picture.none", failed: "picture.failed" }[result];
  setText(parts.hint, text ? t(text) : "");
}
