// What can be done with the photo of the large view.

import { byId, setAttribute, setText } from "./dom.js";
import { makeActionButton, updateActionButton } from "./photo.js";

/**
 * @import { Facts } from "../data/facts.js"
 * @import { KnownFile } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 */

/** @typedef {Record<"toggleMark" | "approve" | "revise" | "remove", (id: string) => void>} LargeActs */

/** @param {{ i18n: I18n, facts: Facts, stage: HTMLElement, acts: LargeActs, current: () => string }} page */
export function createLargeActions({ i18n, facts, stage, acts, current }) {
  const mark = makeActionButton("check", "button quiet toggle");
  const remove = makeActionButton("bin", "button quiet");
  const revise = makeActionButton("redo", "button quiet");
  const approve = makeActionButton("check", "button");

  /** @param {KnownFile} file */
  function render(file) {
    const focused = document.activeElement;
    const { t } = i18n;
    mark.node.hidden = !facts.canMark(file);
    setText(mark.label, t("mark"));
    setAttribute(mark.node, "aria-label", t("mark.label", { name: file.name }));
    setAttribute(mark.node, "aria-pressed", facts.isSelected(file));
    updateActionButton(approve, "approve", facts.canApprove(file), file, t);
    updateActionButton(revise, "revision", facts.canRevise(file), file, t);
    updateActionButton(remove, "remove", facts.canRemove(file), file, t);
    if (focused instanceof HTMLElement && focused.hidden) stage.focus();
  }

  mark.node.addEventListener("click", () => acts.toggleMark(current()));
  remove.node.addEventListener("click", () => acts.remove(current()));
  revise.node.addEventListener("click", () => acts.revise(current()));
  approve.node.addEventListener("click", () => acts.approve(current()));
  byId("large-actions").append(mark.node, remove.node, revise.node, approve.node);
  return { render };
}
