// Asking for another round, with a note.

import { onConfirm, openDialog } from "./dialogs.js";
import { byId, setAttribute, setText } from "./dom.js";

/**
 * @import { Actions } from "../data/actions.js"
 * @import { State } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 */

const LONGEST = 1000;

/** @param {{ i18n: I18n, state: State, actions: Actions }} page */
export function createRevision({ i18n, state, actions }) {
  const dialog = byId("revision-dialog", HTMLDialogElement);
  const note = byId("revision-note", HTMLTextAreaElement);
  let fileId = "";

  /** @param {string} id */
  function open(id) {
    if (id !== fileId) note.value = "";
    fileId = id;
    setText(byId("revision-text"), i18n.t("revision.text", { name: state.nameOf(id) }));
    complain(false);
    count();
    openDialog(dialog);
  }

  /** @param {boolean} isMissing */
  function complain(isMissing) {
    setText(byId("revision-problem"), isMissing ? i18n.t("revision.missing") : "");
    setAttribute(note, "aria-invalid", isMissing ? "true" : null);
    if (isMissing) note.focus();
  }

  function count() {
    setText(byId("revision-count"), `${note.value.length} / ${LONGEST.toLocaleString(i18n.language())}`);
    if (note.value.trim()) complain(false);
  }

  async function send() {
    const text = note.value.trim();
    complain(!text);
    if (!text) return false;
    const went = await actions.revise(fileId, text);
    if (went) note.value = "";
    return went;
  }

  note.addEventListener("input", count);
  onConfirm(byId("revision-confirm"), dialog, send);
  return open;
}
