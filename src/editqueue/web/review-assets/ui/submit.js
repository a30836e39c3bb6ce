// The selection and how it is sent: always confirmed first.

import { onConfirm, openDialog } from "./dialogs.js";
import { byId, setText } from "./dom.js";

/**
 * @import { Actions } from "../data/actions.js"
 * @import { Facts } from "../data/facts.js"
 * @import { State } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 */

/** @param {{ i18n: I18n, state: State, actions: Actions, facts: Facts }} page */
export function createSubmit({ i18n, state, actions, facts }) {
  const dialog = byId("submit-dialog", HTMLDialogElement);
  const express = byId("express", HTMLInputElement);
  const notes = byId("order-notes", HTMLTextAreaElement);
  const markAll = byId("mark-all", HTMLButtonElement);
  const selected = () => state.get().files.filter(facts.isSelected);
  const selectable = () => state.get().files.filter(facts.canMark);

  function render() {
    const number = selected().length;
    const all = selectable();
    byId("submit-bar").hidden = number === 0;
    setText(byId("submit-line"), number ? i18n.count("submit.count", number) : "");
    markAll.disabled = all.length === 0;
    setText(markAll, i18n.t(all.length > 0 && number === all.length ? "mark.none" : "mark.all"));
    if (dialog.open) setText(byId("submit-text"), i18n.count("submit.text", number));
  }

  function toggleAll() {
    const all = selectable();
    const marked = !all.every(facts.isSelected);
    const changed = all.filter((file) => facts.isSelected(file) !== marked);
    actions.mark(
      changed.map((file) => file.id),
      marked,
    );
  }

  function ask() {
    const number = selected().length;
    if (number === 0) return;
    setText(byId("submit-text"), i18n.count("submit.text", number));
    openDialog(dialog);
  }

  async function send() {
    const ids = selected().map((file) => file.id);
    const choice = { express: express.checked, notes: notes.value.trim() };
    if (ids.length === 0) return true;
    const went = await actions.submit(ids, choice);
    if (went) clearForm();
    return went;
  }

  function clearForm() {
    express.checked = false;
    notes.value = "";
  }

  markAll.addEventListener("click", toggleAll);
  byId("submit").addEventListener("click", ask);
  onConfirm(byId("submit-confirm"), dialog, send);
  return render;
}
