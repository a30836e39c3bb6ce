// The large view: one photo at a time, and what can be done with it.

import { openDialog } from "./dialogs.js";
import { byId, setText } from "./dom.js";
import { wireGestures } from "./gestures.js";
import { createLargeActions } from "./large-actions.js";
import { createLargeLink } from "./large-link.js";
import { approvalBadge, lineOf, lockBadge, pictureText, reasonText, showBadges, statusBadge } from "./photo.js";
import { createZoom } from "./zoom.js";

/**
 * @import { Facts } from "../data/facts.js"
 * @import { Previews } from "../data/previews.js"
 * @import { KnownFile, State } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 * @import { LargeActs } from "./large-actions.js"
 * @import { PictureState, Pictures } from "./pictures.js"
 */

/** @typedef {ReturnType<typeof createLightbox>} Lightbox */

/**
 * `idsOf` gives the photos that the grid shows, in its order: those that are gone through here.
 * @param {{ i18n: I18n, state: State, pictures: Pictures, previews: Previews, facts: Facts, acts: LargeActs,
 *   idsOf: () => string[], onShow: (id: string) => void, onClose: (id: string) => void }} page
 */
export function createLightbox({ i18n, state, pictures, previews, facts, acts, idsOf, onShow, onClose }) {
  const dialog = byId("lightbox", HTMLDialogElement);
  const image = byId("large-image", HTMLImageElement);
  const stage = byId("stage");
  const zoom = createZoom({ stage, image, tell: (level) => setText(byId("zoom-reset"), i18n.percent(level)) });
  const link = createLargeLink({ previews, isShown: (id) => dialog.open && id === fileId });
  const actions = createLargeActions({ i18n, facts, stage, acts, current: () => fileId });
  let fileId = "";
  /** @type {string[]} as they were when the large view was opened: a photo that changes does not fall out of the row */
  let ids = [];
  /** @type {PictureState | null} */
  let picture = null;

  const row = () => ids.filter((id) => state.has(id));
  const position = () => row().indexOf(fileId);
  const current = () => state.file(fileId);

  /** @param {string} id */
  function open(id) {
    if (!dialog.open) {
      ids = idsOf();
      openDialog(dialog);
    }
    if (!ids.includes(id)) ids = state.get().files.map((file) => file.id);
    go(id);
  }

  /** @param {string} id */
  function go(id) {
    fileId = id;
    onShow(id);
    zoom.reset();
    image.hidden = true;
    link.hide();
    loadAgain();
  }

  function loadAgain() {
    picture = null;
    pictures.release(image);
    render();
  }

  /** @param {boolean} all  and not only when its time has come */
  function retryFailed(all) {
    if (picture === "failed") pictures.retry(image, all);
  }

  /** @param {1 | -1} by */
  const step = (by) => goTo(position() + by);

  /** @param {number} at */
  function goTo(at) {
    const next = row()[at];
    if (next) go(next);
  }

  function render() {
    if (!dialog.open) return;
    const file = current();
    if (!file) {
      leaveGone();
      return;
    }
    renderText(file);
    actions.render(file);
    zoom.tellAgain();
    showCard(file);
    pictures.show(image, file, (result) => settle(result, file));
  }

  /** The photo was removed: the one in its place follows. */
  function leaveGone() {
    const at = ids.indexOf(fileId);
    const next = ids.slice(at + 1).find(state.has) ?? row().at(-1);
    if (next) go(next);
    else dialog.close();
  }

  /** @param {KnownFile} file */
  function renderText(file) {
    const { t } = i18n;
    setText(byId("large-name"), file.name);
    setText(byId("large-room"), lineOf(file, i18n));
    setText(byId("large-count"), t("large.count", { position: position() + 1, total: row().length }));
    image.alt = t("picture.alt", { name: file.name });
    const seals = [...(file.locked ? [lockBadge(t)] : []), ...(file.approved ? [approvalBadge(t)] : [])];
    showBadges(byId("large-badges"), [statusBadge(file, { t, facts }), ...seals]);
    setText(byId("large-reason"), reasonText(file, facts, t));
    setEnd(byId("large-previous"), position() === 0);
    setEnd(byId("large-next"), position() === row().length - 1);
  }

  /**
   * In the picture's place: the photo's number and name, and what is with the picture.
   * @param {KnownFile} file
   */
  function showCard(file) {
    const isBare = picture !== null && picture !== "loading" && picture !== "loaded";
    byId("stage-empty").hidden = picture === "loaded";
    setText(byId("card-number"), isBare ? String(file.index) : "");
    setText(byId("card-name"), isBare ? file.name : "");
    setText(byId("card-hint"), pictureText(picture, file, i18n.t));
  }

  /**
   * @param {PictureState} result
   * @param {KnownFile} file
   */
  function settle(result, file) {
    if (file.id !== fileId) return;
    picture = result;
    showCard(file);
    if (result === "loaded") link.keep(file);
  }

  function closed() {
    link.hide();
    pictures.release(image);
    onClose(fileId);
  }

  function shownAgain() {
    const file = current();
    if (file && !document.hidden && dialog.open && picture === "loaded") link.keep(file);
  }

  document.addEventListener("visibilitychange", shownAgain);
  dialog.addEventListener("close", closed);
  wireGestures({ stage, zoom, step });
  byId("large-close").addEventListener("click", () => dialog.close());
  byId("large-previous").addEventListener("click", () => step(-1));
  byId("large-next").addEventListener("click", () => step(1));
  byId("zoom-in").addEventListener("click", zoom.in);
  byId("zoom-out").addEventListener("click", zoom.out);
  byId("zoom-reset").addEventListener("click", zoom.whole);
  return {
    open,
    render,
    retryFailed,
    zoom,
    step,
    first: () => goTo(0),
    last: () => goTo(row().length - 1),
    close: () => dialog.close(),
    isOpen: () => dialog.open,
    current: () => (dialog.open ? fileId : ""),
    row,
  };
}

/**
 * aria-disabled, not disabled: a button that vanishes under the keyboard would throw focus away.
 * @param {HTMLElement} button
 * @param {boolean} isEnd
 */
const setEnd = (button, isEnd) => button.setAttribute("aria-disabled", String(isEnd));
