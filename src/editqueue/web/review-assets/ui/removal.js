// Deleting a photo that came back: asked first, because nothing brings it back.

import { onConfirm, openDialog } from "./dialogs.js";
import { byId, setText } from "./dom.js";

/**
 * @import { Actions } from "../data/actions.js"
 * @import { State } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 */

/** @param {{ i18n: I18n, state: State, actions: Actions }} page */
export function createRemoval({ i18n, state, actions }) {
  const dialog = byId("removal-dialog", HTMLDialogElement);
  let fileId = "";

  /** @param {string} id */
  function open(id) {
    fileId = id;
    setText(byId("removal-text"), i18n.t("remove.text", { name: state.nameOf(id) }));
    openDialog(dialog);
  }

  onConfirm(byId("removal-confirm"), dialog, () => actions.remove(fileId));
  return open;
}
