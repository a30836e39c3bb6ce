// The large view: one photo at a time, arrow keys, zoom, and what can be done with it.

import { canApprove, canRevise } from "../data/files.js";
import { openDialog } from "./dialogs.js";
import { byId, closest, setText } from "./dom.js";
import {
  approvalBadges,
  lineOf,
  lockBadges,
  makeActionButton,
  pictureText,
  showBadges,
  statusBadge,
  updateActionButton,
} from "./photo.js";
import { createZoom } from "./zoom.js";

/**
 * @import { Actions } from "../data/actions.js"
 * @import { IsMissing } from "../data/files.js"
 * @import { Previews } from "../data/previews.js"
 * @import { KnownFile, State } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 * @import { PictureState, Pictures } from "./pictures.js"
 */

/**
 * @param {{ i18n: I18n, state: State, pictures: Pictures, previews: Previews, isMissing: IsMissing, actions: Actions,
 *   revise: (id: string) => void, onClose: (id: string) => void }} page
 */
export function createLightbox({ i18n, state, pictures, previews, isMissing, actions, revise, onClose }) {
  const dialog = byId("lightbox", HTMLDialogElement);
  const image = byId("large-image", HTMLImageElement);
  const link = byId("large-open", HTMLAnchorElement);
  const stage = byId("stage");
  const { approveButton, reviseButton } = actionButtons();
  const zoom = createZoom({ stage, image, tell: (level) => setText(byId("zoom-reset"), i18n.percent(level)) });
  let fileId = "";
  /** @type {PictureState | null} */
  let picture = null;
  /** @type {number | undefined} */
  let renewal;

  const files = () => state.get().files;
  const position = () => files().findIndex((file) => file.id === fileId);
  const current = () => files().find((file) => file.id === fileId);

  /** @param {string} id */
  function open(id) {
    if (!dialog.open) openDialog(dialog);
    go(id);
  }

  /** @param {string} id */
  function go(id) {
    fileId = id;
    zoom.reset();
    image.hidden = true;
    link.hidden = true;
    loadAgain();
  }

  function loadAgain() {
    picture = null;
    pictures.release(image);
    render();
  }

  function retryFailed() {
    if (picture === "failed") loadAgain();
  }

  /** @param {1 | -1} by */
  function step(by) {
    const next = files()[position() + by];
    if (next) go(next.id);
  }

  function render() {
    if (!dialog.open) return;
    const file = current();
    if (!file) {
      dialog.close();
      return;
    }
    renderText(file);
    renderActions(file);
    zoom.tellAgain();
    setText(byId("stage-empty"), pictureText(picture, file, i18n.t));
    pictures.show(image, file, (result) => settle(result, file));
  }

  /** @param {KnownFile} file */
  function renderText(file) {
    const { t } = i18n;
    setText(byId("large-name"), file.name);
    setText(byId("large-room"), lineOf(file, i18n));
    setText(byId("large-count"), t("large.count", { position: position() + 1, total: files().length }));
    image.alt = t("picture.alt", { name: file.name });
    const badges = [statusBadge(file, { t, isMissing }), ...lockBadges(file, t), ...approvalBadges(file, t)];
    showBadges(byId("large-badges"), badges);
    setEnd(byId("large-previous"), position() === 0);
    setEnd(byId("large-next"), position() === files().length - 1);
  }

  /** @param {KnownFile} file */
  function renderActions(file) {
    const focused = document.activeElement;
    updateActionButton(approveButton, "approve", canApprove(file), file, i18n.t);
    updateActionButton(reviseButton, "revision", canRevise(file), file, i18n.t);
    if (focused instanceof HTMLElement && focused.hidden) stage.focus();
  }

  /**
   * @param {PictureState} result
   * @param {KnownFile} file
   */
  function settle(result, file) {
    if (file.id !== fileId) return;
    picture = result;
    setText(byId("stage-empty"), pictureText(result, file, i18n.t));
    if (result === "loaded") keepLink(file);
  }

  /**
   * The link must work whenever it is clicked: its URL is renewed before it runs out.
   * @param {KnownFile} file
   */
  async function keepLink(file) {
    clearTimeout(renewal);
    if (document.hidden) return; // nobody can click it; a shown tab comes back here
    const url = await previews.urlOf(file).catch(() => null);
    if (file.id !== fileId || !dialog.open) return;
    link.hidden = url === null;
    if (url !== null) link.href = url;
    renewal = setTimeout(() => keepLink(file), Math.max(1000, previews.renewAt(file) - Date.now()));
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (closest(event, "textarea, input") || event.altKey || event.ctrlKey || event.metaKey) return;
    const run = keyAction(event.key);
    if (!run) return;
    event.preventDefault();
    run();
  }

  /** @param {string} key */
  function keyAction(key) {
    const always = new Map([
      ["+", zoom.in],
      ["=", zoom.in],
      ["-", zoom.out],
      ["0", zoom.reset],
    ]);
    const whenWhole = new Map([
      ["ArrowLeft", () => step(-1)],
      ["ArrowRight", () => step(1)],
    ]);
    return always.get(key) ?? (zoom.isZoomed() ? undefined : whenWhole.get(key));
  }

  function closed() {
    clearTimeout(renewal);
    pictures.release(image);
    onClose(fileId);
  }

  function shownAgain() {
    const file = current();
    if (file && !document.hidden && dialog.open && picture === "loaded") keepLink(file);
  }

  function actionButtons() {
    const approveButton = makeActionButton("check", "button");
    const reviseButton = makeActionButton("redo", "button quiet");
    approveButton.node.addEventListener("click", () => actions.approve(fileId));
    reviseButton.node.addEventListener("click", () => revise(fileId));
    byId("large-actions").append(reviseButton.node, approveButton.node);
    return { approveButton, reviseButton };
  }

  document.addEventListener("visibilitychange", shownAgain);
  dialog.addEventListener("keydown", onKey);
  dialog.addEventListener("close", closed);
  byId("large-close").addEventListener("click", () => dialog.close());
  byId("large-previous").addEventListener("click", () => step(-1));
  byId("large-next").addEventListener("click", () => step(1));
  byId("zoom-in").addEventListener("click", zoom.in);
  byId("zoom-out").addEventListener("click", zoom.out);
  byId("zoom-reset").addEventListener("click", zoom.reset);
  return { open, render, retryFailed };
}

/**
 * aria-disabled, not disabled: a button that vanishes under the keyboard would throw focus away.
 * @param {HTMLElement} button
 * @param {boolean} isEnd
 */
const setEnd = (button, isEnd) => button.setAttribute("aria-disabled", String(isEnd));
