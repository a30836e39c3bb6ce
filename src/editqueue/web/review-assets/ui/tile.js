// One photo of the grid: made once, then only brought up to date.

import { canApprove, canMark, canRevise, shownStatus } from "../data/files.js";
import { element, icon, setAttribute, setName, setText } from "./dom.js";
import {
  lineOf,
  lockBadges,
  makeActionButton,
  pictureText,
  showBadges,
  statusBadge,
  updateActionButton,
} from "./photo.js";

/**
 * @import { IsMissing } from "../data/files.js"
 * @import { KnownFile } from "../data/state.js"
 * @import { I18n, Translate } from "./i18n.js"
 * @import { PictureState } from "./pictures.js"
 */

/** @typedef {"open" | "mark" | "approve" | "revise"} Act what a click asks for */
/** @typedef {ReturnType<typeof makeTile>} Tile */

/** @param {string} id */
export function makeTile(id) {
  const image = element("img", { alt: "", className: "picture", decoding: "async", hidden: true });
  const hint = element("span", { className: "picture-hint" });
  const placeholder = element("span", { className: "placeholder" }, [icon("image"), hint]);
  const open = asking("open", element("button", { type: "button", className: "open" }, [image]));
  const seals = element("p", { className: "seals" });
  const frame = element("div", { className: "frame" }, [placeholder, open, seals]);

  const check = asking("mark", element("input", { type: "checkbox" }));
  const checkText = element("span");
  const mark = element("label", { className: "mark" }, [check, checkText]);
  const approvedText = element("span");
  const approved = element("p", { className: "approved", hidden: true }, [icon("check"), approvedText]);
  const approve = makeActionButton("check", "button small");
  const revise = makeActionButton("redo", "button small quiet");
  const buttons = [asking("approve", approve.node), asking("revise", revise.node)];
  const actions = element("div", { className: "actions" }, [mark, approved, ...buttons]);

  const name = element("h3", { className: "name" });
  const room = element("p", { className: "room" });
  const badges = element("p", { className: "badges" });
  const body = element("div", { className: "tile-body" }, [name, room, badges, actions]);
  const node = element("li", { className: "tile" }, [frame, body]);
  node.dataset.id = id;
  const picture = { image, hint, open, seals };
  return { node, ...picture, name, room, badges, check, checkText, mark, approved, approvedText, approve, revise };
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
 * @param {Tile} tile
 * @param {KnownFile} file
 * @param {{ i18n: I18n, isMissing: IsMissing }} page
 */
export function updateTile(tile, file, { i18n, isMissing }) {
  const { t } = i18n;
  const focused = tile.node.contains(document.activeElement) ? document.activeElement : null;
  setAttribute(tile.node, "data-status", shownStatus(file, isMissing));
  setName(tile.name, file.name);
  tile.name.title = file.name;
  setText(tile.room, lineOf(file, i18n));
  setAttribute(tile.open, "aria-label", t("picture.open", { name: file.name }));
  showBadges(tile.badges, [statusBadge(file, { t, isMissing })]);
  showBadges(tile.seals, lockBadges(file, t));
  updateActions(tile, file, { t, isMissing });
  if (focused?.closest("[hidden]")) tile.open.focus({ preventScroll: true });
}

/**
 * @param {Tile} tile
 * @param {KnownFile} file
 * @param {{ t: Translate, isMissing: IsMissing }} page
 */
function updateActions(tile, file, { t, isMissing }) {
  tile.mark.hidden = !canMark(file, isMissing);
  tile.check.checked = file.marked;
  setText(tile.checkText, t("mark"));
  setAttribute(tile.check, "aria-label", t("mark.label", { name: file.name }));
  tile.approved.hidden = !file.approved;
  setText(tile.approvedText, t("approved"));
  updateActionButton(tile.approve, "approve", canApprove(file), file, t);
  updateActionButton(tile.revise, "revision", canRevise(file), file, t);
}

/**
 * @param {Tile} tile
 * @param {PictureState} state
 * @param {KnownFile} file
 * @param {Translate} t
 */
export function showPictureState(tile, state, file, t) {
  setAttribute(tile.node, "data-picture", state);
  setText(tile.hint, pictureText(state, file, t));
}
