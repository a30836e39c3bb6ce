// Modal dialogs: messages move into the one that is open, because everything behind it is out of reach.

import { byId, closest } from "./dom.js";

/** @param {HTMLDialogElement} dialog */
export function openDialog(dialog) {
  const messages = byId("messages");
  dialog.append(messages);
  dialog.showModal();
  dialog.addEventListener("close", () => topmost().prepend(messages), { once: true });
}

const topmost = () =>
  document.querySelector("dialog.sheet[open]") ?? document.querySelector("dialog[open]") ?? byId("bottom");

/** Buttons marked data-close and a click beside the sheet close it. */
export function wireSheets() {
  /** @type {NodeListOf<HTMLDialogElement>} */
  const sheets = document.querySelectorAll("dialog.sheet");
  for (const sheet of sheets) {
    sheet.addEventListener("click", (event) => {
      if (isBeside(sheet, event) || closest(event, "[data-close]")) sheet.close();
    });
  }
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {MouseEvent} event
 */
function isBeside(dialog, { target, clientX, clientY }) {
  if (target !== dialog) return false;
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

/**
 * Runs `send` once however often the button is pressed; closes the dialog if it went well.
 * @param {HTMLElement} button
 * @param {HTMLDialogElement} dialog
 * @param {() => Promise<boolean>} send
 */
export function onConfirm(button, dialog, send) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    const went = await send().finally(() => button.removeAttribute("aria-disabled"));
    if (went) finish(dialog);
  });
}

/**
 * What opened the dialog may be gone by now: focus goes on to the photos, not to nowhere.
 * @param {HTMLDialogElement} dialog
 */
function finish(dialog) {
  dialog.close();
  if (document.activeElement === document.body) byId("photos").focus({ preventScroll: true });
}
