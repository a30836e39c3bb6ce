// Which photos the grid shows: all, the selected ones, or those of one status.

import { byId, element, setAttribute, setText } from "./dom.js";

/**
 * @import { Facts } from "../data/facts.js"
 * @import { KnownFile, State } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 */

/** @typedef {"all" | "selected" | "uploaded" | "queued" | "in_progress" | "to_approve" | "approved" | "problems"} Filter */
/** @typedef {ReturnType<typeof createFilters>} Filters */

/** @type {readonly Filter[]} */
const FILTERS = ["all", "selected", "problems", "to_approve", "approved", "in_progress", "queued", "uploaded"];

/** @param {{ i18n: I18n, state: State, facts: Facts }} page */
export function createFilters({ i18n, state, facts }) {
  /** @type {Filter} */
  let chosen = "all";
  const place = byId("filters");

  /** @type {Record<Filter, (file: KnownFile) => boolean>} */
  const holds = {
    all: () => true,
    selected: facts.isSelected,
    problems: facts.cameBack,
    to_approve: facts.canApprove,
    approved: (file) => file.approved,
    in_progress: (file) => file.status === "in_progress",
    queued: (file) => file.status === "queued" && !facts.isMissing(file),
    uploaded: (file) => file.status === "uploaded",
  };
  const chips = FILTERS.map(makeChip);

  /** @param {Filter} filter */
  function makeChip(filter) {
    const text = element("span");
    const number = element("b");
    const node = element("button", { type: "button", className: "chip", onclick: () => choose(filter) }, [
      text,
      number,
    ]);
    node.dataset.filter = filter;
    place.append(node);
    return { filter, node, text, number };
  }

  /** @param {Filter} filter */
  function choose(filter) {
    chosen = filter;
    state.changed();
  }

  function render() {
    const { files } = state.get();
    for (const { filter, node, text, number } of chips) {
      const count = files.filter(holds[filter]).length;
      node.classList.toggle("is-empty", count === 0);
      setAttribute(node, "aria-pressed", filter === chosen);
      setText(text, i18n.t(`filter.${filter}`));
      setText(number, count.toLocaleString(i18n.language()));
    }
    const isEmpty = files.length > 0 && visible().length === 0;
    byId("none-here").hidden = !isEmpty;
    setText(byId("none-here"), isEmpty ? i18n.t("filter.none") : "");
  }

  const visible = () => state.get().files.filter(holds[chosen]);

  return { render, visible, all: () => choose("all") };
}
