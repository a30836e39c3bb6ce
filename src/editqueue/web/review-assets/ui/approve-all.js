// Approving everything that is finished: asked first, and told photo by photo.

import { openDialog } from "./dialogs.js";
import { byId, element, icon, setText } from "./dom.js";
import { explainAction } from "./outcomes.js";

/**
 * @import { Actions, Result } from "../data/actions.js"
 * @import { Facts } from "../data/facts.js"
 * @import { State } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 */

/** @param {{ i18n: I18n, state: State, facts: Facts, actions: Actions }} page */
export function createApproveAll({ i18n, state, facts, actions }) {
  const dialog = byId("approve-dialog", HTMLDialogElement);
  const button = byId("approve-all", HTMLButtonElement);
  const confirm = byId("approve-confirm");
  const list = byId("approve-results");
  /** @type {string[]} */
  let ids = [];

  const finished = () => state.get().files.filter(facts.canApprove);

  function render() {
    button.disabled = finished().length < 2;
  }

  function ask() {
    ids = finished().map((file) => file.id);
    list.replaceChildren();
    list.hidden = true;
    confirm.hidden = false;
    setText(byId("approve-close"), i18n.t("cancel"));
    setText(byId("approve-text"), i18n.count("approve.all_text", ids.length));
    openDialog(dialog);
  }

  async function send() {
    confirm.hidden = true;
    list.hidden = false;
    byId("approve-close").focus();
    setText(byId("approve-close"), i18n.t("close"));
    let good = 0;
    setText(byId("approve-text"), i18n.t("approve.all_going"));
    await actions.approveAll(ids, (result) => {
      good += result.error === null ? 1 : 0;
      list.append(lineOf(result));
    });
    setText(byId("approve-text"), i18n.t("approve.all_done", { good, total: ids.length }));
  }

  /** @param {Result} result */
  function lineOf({ id, name, error }) {
    const words = { t: i18n.t, nameOf: state.nameOf };
    const says = error === null ? i18n.t("approved") : explainAction(error, id, words);
    const parts = [icon(error === null ? "check" : "alert"), element("b", { textContent: name }), says];
    return element("li", { className: error === null ? "result" : "result is-bad" }, parts);
  }

  button.addEventListener("click", ask);
  confirm.addEventListener("click", send);
  return render;
}
