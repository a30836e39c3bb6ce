// The selection and how it is sent: always confirmed first.

import { byId, setText } from "./dom.js";
import { canMark, canSubmit } from "./files.js";
import { onConfirm, openDialog } from "./dialogs.js";

export function createSubmit({ i18n, state, actions, isMissing }) {
  const dialog = byId("submit-dialog");
  const selected = () => state.get().files.filter((file) => canSubmit(file, isMissing));
  const selectable = () => state.get().files.filter((file) => canMark(file, isMissing));

  function render() {
    const number = selected().length;
    const all = selectable();
    byId("submit-bar").hidden = number === 0;
    setText(byId("submit-line"), number ? i18n.count("submit.count", number) : "");
    byId("mark-all").disabled = all.length === 0;
    setText(byId("mark-all"), i18n.t(all.length > 0 && number === all.length ? "mark.none" : "mark.all"));
    if (dialog.open) setText(byId("submit-text"), i18n.count("submit.text", number));
  }

  function toggleAll() {
    const all = selectable();
    const marked = all.some((file) => !file.marked);
    actions.mark(all.filter((file) => file.marked !== marked).map((file) => file.id), marked);
  }

  function ask() {
    if (selected().length === 0) return;
    setText(byId("submit-text"), i18n.count("submit.text", selected().length));
    openDialog(dialog);
  }

  async function send() {
    const ids = selected().map((file) => file.id);
    const choice = { express: byId("express").checked, notes: byId("order-notes").value.trim() };
    if (ids.length === 0) return true;
    const went = await actions.submit(ids, choice);
    if (went) clearForm();
    return went;
  }

  function clearForm() {
    byId("express").checked = false;
    byId("order-notes").value = "";
  }

  byId("mark-all").addEventListener("click", toggleAll);
  byId("submit").addEventListener("click", ask);
  onConfirm(byId("submit-confirm"), dialog, send);
  return render;
}
