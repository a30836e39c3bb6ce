// The sheet of keys.

import { openDialog } from "./dialogs.js";
import { byId } from "./dom.js";

export function createHelp() {
  const dialog = byId("help-dialog", HTMLDialogElement);
  const open = () => openDialog(dialog);
  byId("help").addEventListener("click", open);
  byId("large-help").addEventListener("click", open);
  return open;
}
