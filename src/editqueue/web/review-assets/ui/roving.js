// The grid is one stop of the Tab key; arrows, Home and End go from photo to photo in it.

import { closest } from "./dom.js";

/** @import { KnownFile } from "../data/state.js" */

/** @typedef {{ hadFocus: boolean, position: number }} Place */

/**
 * @param {{ list: HTMLElement, prepare: (id: string) => void }} page  `prepare` gives a photo far away its parts
 */
export function createRoving({ list, prepare }) {
  let current = "";

  /** @type {(node: Element | undefined | null) => HTMLElement | null} */
  const openOf = (node) => node?.querySelector(".open") ?? null;
  const tiles = () => /** @type {HTMLElement[]} */ ([...list.children]);
  const position = () => tiles().findIndex(({ dataset }) => dataset.id === current);

  /** @param {string} id */
  function focus(id) {
    const node = tiles().find(({ dataset }) => dataset.id === id);
    if (!node) return;
    prepare(id);
    choose(id);
    openOf(node)?.focus();
  }

  /** @param {string} id */
  function choose(id) {
    for (const node of list.querySelectorAll('.open[tabindex="0"]')) node.setAttribute("tabindex", "-1");
    current = id;
    openOf(tiles()[position()])?.setAttribute("tabindex", "0");
  }

  /**
   * A tile has new parts: they are to be told whether Tab stops there.
   * @param {HTMLElement} node
   */
  function mark(node) {
    if (!current || !list.querySelector('.open[tabindex="0"]')) current ||= node.dataset.id ?? "";
    openOf(node)?.setAttribute("tabindex", node.dataset.id === current ? "0" : "-1");
  }

  /** @returns {Place} */
  const remember = () => ({ hadFocus: list.contains(document.activeElement), position: position() });

  /**
   * A photo that left the view hands its place on to the one that follows.
   * @param {Place} place
   * @param {KnownFile[]} files
   */
  function restore({ hadFocus, position: before }, files) {
    if (files.some(({ id }) => id === current)) return;
    const next = files[Math.min(Math.max(before, 0), files.length - 1)]?.id ?? "";
    choose(next);
    if (hadFocus) focus(next);
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (!closest(event, ".open") || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = targetOf(event.key);
    if (target === null) return;
    event.preventDefault();
    const id = tiles()[target]?.dataset.id;
    if (id) focus(id);
  }

  /** @param {string} key */
  function targetOf(key) {
    const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
    const last = list.children.length - 1;
    const at = position();
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - columns,
      ArrowDown: at + columns > last && at < last ? last : at + columns,
      Home: 0,
      End: last,
    };
    return targets[key] ?? null;
  }

  list.addEventListener("keydown", onKey);
  list.addEventListener("focusin", (event) => choose(closest(event, ".tile")?.dataset.id ?? current));
  return {
    focus,
    mark,
    remember,
    restore,
    /** The photo that has focus; empty when none has. */
    focused: () => (list.contains(document.activeElement) ? current : ""),
  };
}
