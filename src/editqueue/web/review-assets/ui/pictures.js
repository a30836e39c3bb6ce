// Puts a preview into an <img>: decoded first, so that nothing flickers; an expired URL is renewed once.

import { isShowable } from "../data/facts.js";
import { previewTag } from "../data/previews.js";

/**
 * @import { Previews } from "../data/previews.js"
 * @import { KnownFile } from "../data/state.js"
 */

/** @typedef {ReturnType<typeof createPictures>} Pictures */
/** @typedef {"loading" | "loaded" | "none" | "failed"} PictureState */
/** @typedef {"loaded" | "none" | "dropped"} Attempt `dropped`: nobody waits for it any more */

const AGAIN_MS = [15_000, 60_000];
const AGAIN_LAST_MS = 5 * 60_000;
const QUICK_MS = 1_500;
const TURN_MS = 100;

/** @param {{ previews: Previews, atOnce: number }} how  `atOnce`: how many are loaded at a time */
export function createPictures({ previews, atOnce }) {
  /** @type {WeakMap<HTMLImageElement, string>} the tag of what it shows or is about to show */
  const shown = new WeakMap();
  /** @type {WeakMap<HTMLImageElement, { again: () => void, at: number, tries: number, tag: string }>} */
  const failures = new WeakMap();
  const limit = createLimit(atOnce);
  const turn = createTurns();

  /**
   * `onState` hears "loading", then "loaded", "none" or "failed".
   * @param {HTMLImageElement} image
   * @param {KnownFile} file
   * @param {(state: PictureState) => void} onState
   */
  function show(image, file, onState) {
    const tag = `${file.id}|${previewTag(file)}`;
    if (shown.get(image) === tag) return;
    shown.set(image, tag);
    const isCurrent = () => shown.get(image) === tag;
    if (file.preview_url && image.hidden) onState("loading");
    limit.add(image, () => load(image, file, { isCurrent, onState: note }));

    /** @param {PictureState} state */
    function note(state) {
      if (state === "failed" && isShowable(file)) fail(image, tag, () => show(image, file, onState));
      onState(state);
    }
  }

  /**
   * @param {HTMLImageElement} image
   * @param {string} tag
   * @param {() => void} again
   */
  function fail(image, tag, again) {
    const before = failures.get(image);
    const tries = before?.tag === tag ? before.tries + 1 : 0;
    failures.set(image, { again, tag, tries, at: Date.now() + (AGAIN_MS[tries] ?? AGAIN_LAST_MS) });
  }

  /**
   * Tries a failed picture again.
   * @param {HTMLImageElement} image
   * @param {boolean} atOnce  even before its time has come
   */
  function retry(image, atOnce) {
    const failure = failures.get(image);
    if (!failure || shown.get(image) !== failure.tag || !(atOnce || Date.now() >= failure.at)) return;
    release(image);
    failure.again();
  }

  /**
   * @param {HTMLImageElement} image
   * @param {KnownFile} file
   * @param {{ isCurrent: () => boolean, onState: (state: PictureState) => void }} asked
   */
  async function load(image, file, { isCurrent, onState }) {
    /** @param {boolean} renew */
    const tryOnce = (renew) => attempt(image, file, isCurrent, renew).catch(() => null);
    const result = (await tryOnce(false)) ?? (await tryOnce(true)) ?? "failed";
    if (result !== "dropped" && isCurrent()) onState(result);
  }

  /**
   * @param {HTMLImageElement} image
   * @param {KnownFile} file
   * @param {() => boolean} isCurrent
   * @param {boolean} renew
   * @returns {Promise<Attempt>}
   */
  async function attempt(image, file, isCurrent, renew) {
    if (!isCurrent()) return "dropped";
    const url = await previews.urlOf(file, { renew });
    if (url === null) return "none";
    const ready = await decode(url);
    await turn();
    if (isCurrent()) put(image, ready);
    return "loaded";
  }

  /** @param {HTMLImageElement} image */
  function release(image) {
    limit.drop(image);
    shown.delete(image);
  }

  return { show, retry, release };
}

/** @param {string} url */
async function decode(url) {
  const probe = new Image();
  probe.referrerPolicy = "no-referrer";
  probe.src = url;
  await probe.decode();
  return probe;
}

/**
 * @param {HTMLImageElement} image
 * @param {HTMLImageElement} ready
 */
function put(image, ready) {
  image.src = ready.src;
  image.width = ready.naturalWidth;
  image.height = ready.naturalHeight;
  image.hidden = false;
}

/**
 * Promises that end together, at most ten times a second: pictures that arrive one by one are drawn in one go, which
 * leaves most frames of a scrolling page alone.
 */
function createTurns() {
  let last = 0;
  /** @type {Promise<void> | null} */
  let next = null;

  return function turn() {
    next ??= pass(Math.max(0, last + TURN_MS - performance.now()));
    return next;
  };

  /** @param {number} pause */
  async function pass(pause) {
    await new Promise((done) => setTimeout(done, pause));
    last = performance.now();
    next = null;
  }
}

/**
 * A queue that runs a few tasks at a time; a task that nobody waits for any more is dropped before it starts. One at a
 * time until the first was quick: on a slow network, one picture soon is worth more than four late.
 * @param {number} most
 */
function createLimit(most) {
  /** @type {Map<object, () => Promise<void>>} */
  const waiting = new Map();
  let running = 0;
  let allowed = 1;

  function next() {
    for (const [key, task] of waiting) {
      if (running >= allowed) return;
      waiting.delete(key);
      run(task);
    }
  }

  /** @param {() => Promise<void>} task */
  async function run(task) {
    const began = performance.now();
    running += 1;
    await task().catch(reportError);
    running -= 1;
    allowed = performance.now() - began < QUICK_MS ? most : Math.min(2, most);
    next();
  }

  return {
    /**
     * @param {object} key
     * @param {() => Promise<void>} task
     */
    add(key, task) {
      waiting.set(key, task);
      next();
    },
    /** @param {object} key */
    drop: (key) => waiting.delete(key),
  };
}
