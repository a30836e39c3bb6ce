// The photos in their order: tiles are kept by file id, so nothing jumps and focus stays.

import { closest } from "./dom.js";
import { makeTile, showPictureState, updateTile } from "./tile.js";

/**
 * @import { IsMissing } from "../data/files.js"
 * @import { KnownFile } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 * @import { PictureState, Pictures } from "./pictures.js"
 * @import { Act, Tile } from "./tile.js"
 */

/** @typedef {Tile & { file: KnownFile, drawn: string, picture: PictureState | null }} Entry */
/** @typedef {Record<Act, (id: string, isChecked: boolean) => void>} Acts */

const NEAR = "150% 0px"; // previews are fetched one and a half windows ahead

/** @param {{ list: HTMLElement, i18n: I18n, pictures: Pictures, isMissing: IsMissing, acts: Acts }} page */
export function createGrid({ list, i18n, pictures, isMissing, acts }) {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  const lazy = createLazy({
    enter: (node) => withEntry(node, showPicture),
    leave: (node) => withEntry(node, dropPicture),
  });

  /** @param {KnownFile[]} files */
  function render(files) {
    removeGone(files);
    files.forEach(place);
  }

  /**
   * @param {KnownFile} file
   * @param {number} position
   */
  function place(file, position) {
    const entry = entries.get(file.id) ?? add(file);
    const there = list.children[position];
    if (there !== entry.node) list.insertBefore(entry.node, there ?? null);
    const key = `${i18n.language()}|${isMissing(file)}|${JSON.stringify(file)}`;
    if (entry.drawn === key) return;
    entry.file = file;
    entry.drawn = key;
    updateTile(entry, file, { i18n, isMissing });
    if (lazy.has(entry.node)) showPicture(entry);
    else hint(entry);
  }

  /** @param {KnownFile} file */
  function add(file) {
    /** @type {Entry} */
    const entry = { ...makeTile(file.id), file, drawn: "", picture: null };
    entries.set(file.id, entry);
    lazy.watch(entry.node);
    return entry;
  }

  /** @param {KnownFile[]} files */
  function removeGone(files) {
    const wanted = new Set(files.map((file) => file.id));
    for (const [id, entry] of entries) {
      if (wanted.has(id)) continue;
      lazy.forget(entry.node);
      pictures.release(entry.image);
      entry.node.remove();
      entries.delete(id);
    }
  }

  /** @param {Entry} entry */
  function showPicture(entry) {
    hint(entry);
    pictures.show(entry.image, entry.file, (state) => tell(entry, state));
  }

  /**
   * Also after a change of language: what stands in the picture's place is text.
   * @param {Entry} entry
   */
  function hint(entry) {
    if (!entry.file.preview_url && entry.image.hidden) tell(entry, "none");
    else if (entry.picture) tell(entry, entry.picture);
  }

  /**
   * @param {Entry} entry
   * @param {PictureState} state
   */
  function tell(entry, state) {
    entry.picture = state;
    showPictureState(entry, state, entry.file, i18n.t);
  }

  /** @param {Entry} entry */
  function dropPicture(entry) {
    pictures.release(entry.image);
    entry.image.hidden = true;
    entry.image.removeAttribute("src");
    entry.picture = null;
    entry.node.removeAttribute("data-picture");
  }

  function retryFailed() {
    for (const entry of entries.values()) {
      if (entry.picture !== "failed" || !lazy.has(entry.node)) continue;
      pictures.release(entry.image);
      showPicture(entry);
    }
  }

  /**
   * @param {Element} node
   * @param {(entry: Entry) => void} run
   */
  function withEntry(node, run) {
    const entry = entries.get(node.getAttribute("data-id") ?? "");
    if (entry) run(entry);
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const asked = closest(event, "[data-act]");
    const id = closest(event, ".tile")?.dataset.id;
    const isChecked = asked instanceof HTMLInputElement && asked.checked;
    if (asked && id) acts[/** @type {Act} */ (asked.dataset.act)](id, isChecked);
  }

  list.addEventListener("click", onClick);
  /** @param {string} id */
  const focus = (id) => entries.get(id)?.open.focus();
  return { render, retryFailed, focus };
}

/**
 * Tells which tiles are near the window: they get their preview, those far away give it back.
 * @param {{ enter: (node: Element) => void, leave: (node: Element) => void }} on
 */
function createLazy({ enter, leave }) {
  /** @type {Set<Element>} */
  const inside = new Set();
  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) note(target, isIntersecting);
    },
    { rootMargin: NEAR },
  );

  /**
   * @param {Element} node
   * @param {boolean} isInside
   */
  function note(node, isInside) {
    if (isInside) {
      inside.add(node);
      enter(node);
    } else if (inside.delete(node)) {
      leave(node);
    }
  }

  return {
    /** @param {Element} node */
    watch: (node) => observer.observe(node),
    /** @param {Element} node */
    forget(node) {
      observer.unobserve(node);
      inside.delete(node);
    },
    /** @param {Element} node */
    has: (node) => inside.has(node),
  };
}
