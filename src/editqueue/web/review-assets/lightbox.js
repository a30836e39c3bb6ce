// The large view: one photo at a time, arrow keys, zoom, and what can be done with it.

import { byId, element, icon, setText } from "./dom.js";
import { canApprove, canRevise } from "./files.js";
import { openDialog } from "./dialogs.js";
import { lineOf, pictureText, updateBadges, updateButton } from "./tile.js";
import { createZoom } from "./zoom.js";

export function createLightbox({ i18n, state, pictures, previews, isMissing, actions, revise, onClose }) {
  const dialog = byId("lightbox");
  const image = byId("large-image");
  const buttons = actionButtons();
  const tell = (level) => setText(byId("zoom-reset"), i18n.percent(level));
  const zoom = createZoom({ stage: byId("stage"), image, tell });
  let fileId = "";
  let picture = ""; // its state
  let renewal = null;

  const files = () => state.get().files;
  const position = () => files().findIndex((file) => file.id === fileId);

  function open(id) {
    if (!dialog.open) openDialog(dialog);
    go(id);
  }

  function go(id) {
    fileId = id;
    zoom.reset();
    image.hidden = true;
    byId("large-open").hidden = true;
    again();
  }

  function again() {
    picture = "";
    pictures.release(image);
    render();
  }

  function step(by) {
    const next = files()[position() + by];
    if (next) go(next.id);
  }

  function render() {
    if (!dialog.open) return;
    const file = files()[position()];
    if (!file) return dialog.close();
    renderText(file);
    renderActions(file);
    zoom.tellAgain();
    setText(byId("stage-empty"), pictureText(picture, file, i18n.t));
    pictures.show(image, file, (result) => settle(result, file));
    return undefined;
  }

  function renderText(file) {
    setText(byId("large-name"), file.name);
    setText(byId("large-room"), lineOf(file, i18n));
    setText(byId("large-count"), i18n.t("large.count", { position: position() + 1, total: files().length }));
    image.alt = i18n.t("picture.alt", { name: file.name });
    updateBadges(byId("large-badges"), file, { t: i18n.t, isMissing });
    setEnd(byId("large-previous"), position() === 0);
    setEnd(byId("large-next"), position() === files().length - 1);
  }

  function renderActions(file) {
    const focused = document.activeElement;
    updateButton(buttons.approve, "approve", canApprove(file), file, i18n.t);
    updateButton(buttons.revise, "revision", canRevise(file), file, i18n.t);
    if (focused?.hidden) byId("stage").focus();
  }

  function settle(result, file) {
    if (file.id !== fileId) return;
    picture = result;
    setText(byId("stage-empty"), pictureText(result, file, i18n.t));
    if (result === "loaded") keepLink(file);
  }

  /** The link must work whenever it is clicked: its URL is renewed before it runs out. */
  async function keepLink(file) {
    clearTimeout(renewal);
    if (document.hidden) return; // nobody can click it; a shown tab comes back here
    const url = await previews.urlOf(file).catch(() => null);
    if (file.id !== fileId || !dialog.open) return;
    byId("large-open").hidden = url === null;
    if (url !== null) byId("large-open").href = url;
    renewal = setTimeout(() => keepLink(file), Math.max(1000, previews.renewAt(file) - Date.now()));
  }

  function onKey(event) {
    if (event.target.closest("textarea, input") || event.altKey || event.ctrlKey || event.metaKey) return;
    const run = keyAction(event.key, { step, zoom });
    if (!run) return;
    event.preventDefault();
    run();
  }

  function closed() {
    clearTimeout(renewal);
    pictures.release(image);
    onClose(fileId);
  }

  function actionButtons() {
    const approve = actionButton("check", "button", () => actions.approve(fileId));
    const again = actionButton("redo", "button quiet", () => revise(fileId));
    byId("large-actions").append(again, approve);
    return { approve, revise: again };
  }

  function shownAgain() {
    if (!document.hidden && dialog.open && picture === "loaded") keepLink(files()[position()]);
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
  return { open, render, retryFailed: () => picture === "failed" && again() };
}

// aria-disabled, not disabled: a button that vanishes under the keyboard would throw focus away.
const setEnd = (button, isEnd) => button.setAttribute("aria-disabled", String(isEnd));

function actionButton(iconName, className, onclick) {
  return element("button", { type: "button", className, onclick }, [icon(iconName), element("span")]);
}

function keyAction(key, { step, zoom }) {
  const always = { "+": zoom.in, "=": zoom.in, "-": zoom.out, 0: zoom.reset };
  const whenWhole = { ArrowLeft: () => step(-1), ArrowRight: () => step(1) };
  return always[key] ?? (zoom.isZoomed() ? undefined : whenWhole[key]);
}
