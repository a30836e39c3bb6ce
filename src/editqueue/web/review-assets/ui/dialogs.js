// Modal dialogs: messages move into the one that is open, because everything behind it is out of reach.

import { byId, closest } from "./dom.js";

const DOUBLE_CLICK_MS = 500;

/** @type {WeakMap<HTMLDialogElement, number>} */
const openedAt = new WeakMap();

/** @param {HTMLDialogElement} dialog */
export function openDialog(dialog) {
  if (dialog.open) return;
  const messages = byId("messages");
  dialog.append(messages);
  dialog.showModal();
  openedAt.set(dialog, performance.now());
  dialog.addEventListener("close", () => closed(messages), { once: true });
}

/** @param {HTMLElement} messages */
function closed(messages) {
  const above = topmost();
  above.prepend(messages);
  if (isNowhere(document.activeElement)) restingPlace().focus({ preventScroll: true });
}

const topSheet = () => document.querySelector("dialog.sheet[open]");
const topmost = () => topSheet() ?? document.querySelector("dialog[open]") ?? byId("bottom");

/** Whether a sheet lies above everything else. */
export const isAsking = () => topSheet() !== null;

/** Closes the sheet that is open and says whether there was one. */
export function closeSheet() {
  const sheet = topSheet();
  if (sheet instanceof HTMLDialogElement) sheet.close();
  return sheet !== null;
}

/**
 * Draws, and puts focus back where the person can go on from if what had it is gone.
 * @param {() => void} draw
 */
export function keepingFocus(draw) {
  const before = document.activeElement;
  draw();
  if (before !== document.body && isNowhere(document.activeElement)) restingPlace().focus({ preventScroll: true });
}

/** @param {Element | null} focused */
const isNowhere = (focused) =>
  !focused || focused === document.body || !focused.checkVisibility({ visibilityProperty: true });

function restingPlace() {
  if (topSheet()) return /** @type {HTMLElement} */ (topSheet());
  const large = byId("lightbox", HTMLDialogElement);
  return byId(large.open ? "stage" : "photos");
}

/** Buttons marked data-close and a click beside the sheet close it; the second click of the pair that opened it does not. */
export function wireSheets() {
  /** @type {NodeListOf<HTMLDialogElement>} */
  const sheets = document.querySelectorAll("dialog.sheet");
  for (const sheet of sheets) {
    sheet.addEventListener("click", (event) => {
      const isMeant = event.detail < 2 && performance.now() - (openedAt.get(sheet) ?? 0) > DOUBLE_CLICK_MS;
      if ((isMeant && isBeside(sheet, event)) || closest(event, "[data-close]")) sheet.close();
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
    if (went) dialog.close();
  });
}
