// The photos in their order: tiles are kept by file id, so nothing jumps and focus stays. Only those near the window have
// parts and pictures, so that a thousand photos cost what a few do.

import { closest, element } from "./dom.js";
import { createNearness } from "./nearness.js";
import { createRoving } from "./roving.js";
import { makeFar, makeParts, makeShell, showFrame, updateTile } from "./tile.js";

/**
 * @import { Facts } from "../data/facts.js"
 * @import { KnownFile } from "../data/state.js"
 * @import { I18n } from "./i18n.js"
 * @import { PictureState, Pictures } from "./pictures.js"
 * @import { Act, Parts } from "./tile.js"
 */

/** @typedef {{ node: HTMLElement, file: KnownFile, drawn: string, parts: Parts | null, picture: PictureState }} Entry */
/** @typedef {{ isChecked: boolean, isRange: boolean }} Asked */
/** @typedef {Record<Act, (id: string, asked: Asked) => void>} Acts */
/** @typedef {ReturnType<typeof createGrid>} Grid */

const SOON_MS = 200;
/** @type {(run: () => void) => void} Safari knows no idle time */
const whenIdle = (run) => (globalThis.requestIdleCallback ?? ((job) => setTimeout(job, SOON_MS)))(run);

/** @param {{ list: HTMLElement, i18n: I18n, pictures: Pictures, facts: Facts, acts: Acts }} page */
export function createGrid({ list, i18n, pictures, facts, acts }) {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  let isPrinting = false;
  const nearness = createNearness({
    enter: (node) => withEntry(node, comeNear),
    leave: (node) => withEntry(node, leaveSoon),
  });
  const roving = createRoving({
    list,
    prepare: (id) => entries.get(id) && comeNear(/** @type {Entry} */ (entries.get(id))),
  });

  /** @param {KnownFile[]} files */
  function render(files) {
    const place = roving.remember();
    removeGone(files);
    files.forEach(put);
    roving.restore(place, files);
  }

  /**
   * @param {KnownFile} file
   * @param {number} position
   */
  function put(file, position) {
    const entry = entries.get(file.id) ?? add(file);
    const there = list.children[position];
    if (there !== entry.node) list.insertBefore(entry.node, there ?? null);
    entry.file = file;
    if (entry.parts) update(entry);
    else if (entry.node.textContent !== file.name) makeFar(entry.node, file);
  }

  /** @param {KnownFile} file */
  function add(file) {
    /** @type {Entry} */
    const entry = { node: makeShell(file.id), file, drawn: "", parts: null, picture: "none" };
    makeFar(entry.node, file);
    entries.set(file.id, entry);
    nearness.watch(entry.node);
    return entry;
  }

  /** @param {KnownFile[]} files */
  function removeGone(files) {
    const wanted = new Set(files.map((file) => file.id));
    for (const [id, entry] of entries) {
      if (wanted.has(id)) continue;
      nearness.forget(entry.node);
      dropPicture(entry);
      entry.node.remove();
      entries.delete(id);
    }
  }

  /** @param {Entry} entry */
  function comeNear(entry) {
    if (entry.parts) return;
    entry.parts = makeParts(entry.node);
    entry.picture = entry.file.preview_url ? "loading" : "none";
    entry.drawn = "";
    update(entry);
  }

  /**
   * There is no hurry to take parts away, and scrolling has better things to do.
   * @param {Entry} entry
   */
  function leaveSoon(entry) {
    whenIdle(() => {
      if (!isPrinting && entry.parts && !nearness.has(entry.node)) goFar(entry);
    });
  }

  /** @param {Entry} entry */
  function goFar(entry) {
    if (entry.node.contains(document.activeElement)) return; // focus stays where it is, however far one scrolls
    dropPicture(entry);
    entry.parts = null;
    makeFar(entry.node, entry.file);
  }

  /** @param {Entry} entry */
  function update(entry) {
    const { file, node, parts } = entry;
    if (!parts) return;
    const said = [i18n.language(), facts.reasonOf(file), facts.isMissing(file), facts.isSelected(file)];
    const key = `${said}|${JSON.stringify(file)}`;
    if (entry.drawn === key) return;
    entry.drawn = key;
    updateTile(node, parts, file, { i18n, facts });
    showPicture(entry, parts);
    roving.mark(node);
  }

  /**
   * @param {Entry} entry
   * @param {Parts} parts
   */
  function showPicture(entry, parts) {
    if (entry.file.preview_url && !parts.image) {
      parts.image = element("img", { alt: "", className: "picture", decoding: "async", hidden: true });
      parts.drawn.frame = "";
    }
    tell(entry, entry.picture);
    if (parts.image) pictures.show(parts.image, entry.file, (state) => tell(entry, state));
  }

  /**
   * @param {Entry} entry
   * @param {PictureState} state
   */
  function tell(entry, state) {
    entry.picture = state;
    if (entry.parts) showFrame(entry.node, entry.parts, state, entry.file, { i18n, facts });
  }

  /** @param {Entry} entry */
  function dropPicture(entry) {
    if (entry.parts?.image) pictures.release(entry.parts.image);
    entry.picture = "none";
  }

  /** @param {boolean} all  and not only those whose time has come */
  function retryFailed(all) {
    for (const entry of entries.values()) {
      const image = entry.parts?.image;
      if (entry.picture === "failed" && image) pictures.retry(image, all);
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
    if (asked && id) acts[/** @type {Act} */ (asked.dataset.act)](id, { isChecked, isRange: event.shiftKey });
  }

  function beforePrint() {
    isPrinting = true;
    entries.forEach(comeNear);
  }

  function afterPrint() {
    isPrinting = false;
    for (const entry of entries.values()) if (entry.parts && !nearness.has(entry.node)) goFar(entry);
  }

  list.addEventListener("click", onClick);
  addEventListener("beforeprint", beforePrint);
  addEventListener("afterprint", afterPrint);
  return { render, retryFailed, focus: roving.focus, focused: roving.focused };
}
