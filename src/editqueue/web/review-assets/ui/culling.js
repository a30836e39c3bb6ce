// Going through many photos: keys for what is done most, the next one that needs the customer, ranges.

import { isAsking } from "./dialogs.js";
import { byId, closest } from "./dom.js";

/**
 * @import { Actions } from "../data/actions.js"
 * @import { Facts } from "../data/facts.js"
 * @import { KnownFile, State } from "../data/state.js"
 * @import { Undo } from "../data/undo.js"
 * @import { Filters } from "./filters.js"
 * @import { Grid } from "./grid.js"
 * @import { Lightbox } from "./lightbox.js"
 */

/** @typedef {(file: KnownFile) => boolean} Wanted */

/**
 * @param {{ state: State, facts: Facts, actions: Actions, undo: Undo, filters: Filters, grid: () => Grid,
 *   lightbox: () => Lightbox, revise: (id: string) => void, remove: (id: string) => void, help: () => void }} page
 */
export function createCulling({ state, facts, actions, undo, filters, grid, lightbox, revise, remove, help }) {
  let lastMarked = "";

  const current = () => lightbox().current() || grid().focused();

  /** @param {string} id */
  function toggleMark(id) {
    const file = state.file(id);
    if (file && facts.canMark(file)) mark(id, { isChecked: !facts.isSelected(file), isRange: false });
  }

  /**
   * With `isRange`, everything between the photo marked last and this one.
   * @param {string} id
   * @param {{ isChecked: boolean, isRange: boolean }} asked
   */
  function mark(id, { isChecked, isRange }) {
    const ids = isRange ? rangeTo(id).filter((file) => facts.isSelected(file) !== isChecked) : [];
    lastMarked = id;
    actions.mark(ids.length > 0 ? ids.map((file) => file.id) : [id], isChecked);
  }

  /** @param {string} id */
  function rangeTo(id) {
    const files = filters.visible();
    const ends = [lastMarked, id].map((end) => files.findIndex((file) => file.id === end));
    if (ends.includes(-1)) return [];
    return files.slice(Math.min(...ends), Math.max(...ends) + 1).filter(facts.canMark);
  }

  /** @param {string} id */
  function approve(id) {
    const file = state.file(id);
    if (!file || !facts.canApprove(file)) return;
    actions.approve(id);
    if (lightbox().isOpen()) goOn(facts.canApprove, lightbox().row());
  }

  /**
   * The next photo after this one that is wanted, from the start again after the last.
   * @param {Wanted} wanted
   * @param {string[]} ids
   */
  function goOn(wanted, ids) {
    const at = ids.indexOf(current());
    const next = [...ids.slice(at + 1), ...ids.slice(0, at)].find((id) => {
      const file = state.file(id);
      return file !== undefined && wanted(file);
    });
    if (!next) return;
    if (lightbox().isOpen()) lightbox().open(next);
    else grid().focus(next);
  }

  /** @param {Wanted} wanted */
  function next(wanted) {
    const all = state.get().files.map((file) => file.id);
    if (!lightbox().isOpen() && !filters.visible().some(wanted)) filters.all();
    goOn(wanted, all);
  }

  const nextProblem = () => next(facts.cameBack);
  const nextToApprove = () => next(facts.canApprove);

  /** @type {Record<string, (id: string) => void>} */
  const ofAPhoto = {
    x: toggleMark,
    a: approve,
    r: (id) => offer(id, facts.canRevise, revise),
    Delete: (id) => offer(id, facts.canRemove, remove),
  };

  /**
   * @param {string} id
   * @param {Wanted} isOffered
   * @param {(id: string) => void} act
   */
  function offer(id, isOffered, act) {
    const file = state.file(id);
    if (file && isOffered(file)) act(id);
  }

  /** @type {Record<string, () => void>} */
  const anywhere = { f: nextProblem, n: nextToApprove, u: () => void undo.last(), "?": help };

  const largeKeys = () => {
    const { zoom, step, first, last } = lightbox();
    /** @type {Record<string, () => void>} */
    const always = { "+": zoom.in, "=": zoom.in, "-": zoom.out, 0: zoom.whole };
    /** @type {Record<string, () => void>} */
    const whole = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: first, End: last };
    return zoom.isZoomed() ? always : { ...always, ...whole };
  };

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.altKey || isAsking() || !isHere(event)) return;
    const run = event.ctrlKey || event.metaKey ? withControl(event.key) : actionOf(event.key);
    if (!run) return;
    event.preventDefault();
    run();
  }

  /**
   * Single letters are keys among the photos only: elsewhere somebody may be speaking or typing.
   * @param {Event} event
   */
  const isHere = (event) => event.target === document.body || closest(event, "#grid, #photos, #lightbox") !== null;

  /** @param {string} key */
  const withControl = (key) => (key === "z" ? () => void undo.last() : undefined);

  /** @param {string} key */
  function actionOf(key) {
    const name = key.length === 1 ? key.toLowerCase() : key;
    const id = current();
    const act = id ? ofAPhoto[name] : undefined;
    if (act) return () => act(id);
    return (lightbox().isOpen() ? largeKeys()[name] : undefined) ?? anywhere[name];
  }

  const problemButton = byId("next-problem", HTMLButtonElement);
  const approveButton = byId("next-approve", HTMLButtonElement);

  function render() {
    const { files } = state.get();
    problemButton.disabled = !files.some(facts.cameBack);
    approveButton.disabled = !files.some(facts.canApprove);
  }

  document.addEventListener("keydown", onKey);
  problemButton.addEventListener("click", nextProblem);
  approveButton.addEventListener("click", nextToApprove);
  return { mark, toggleMark, approve, render };
}
