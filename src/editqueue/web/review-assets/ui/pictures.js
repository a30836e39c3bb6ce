// Puts a preview into an <img>: decoded first, so that nothing flickers; an expired URL is renewed once.

import { previewTag } from "../data/previews.js";

/**
 * @import { Previews } from "../data/previews.js"
 * @import { KnownFile } from "../data/state.js"
 */

/** @typedef {ReturnType<typeof createPictures>} Pictures */
/** @typedef {"loading" | "loaded" | "none" | "failed"} PictureState */
/** @typedef {"loaded" | "none" | "dropped"} Attempt `dropped`: nobody waits for it any more */

/** @param {{ previews: Previews, atOnce: number }} how  `atOnce`: how many are loaded at a time */
export function createPictures({ previews, atOnce }) {
  /** @type {WeakMap<HTMLImageElement, string>} the tag of what it shows or is about to show */
  const shown = new WeakMap();
  const limit = createLimit(atOnce);

  /**
   * `onState` hears "loading", then "loaded", "none" or "failed". A failed one is tried again after `release`.
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
    limit.add(image, () => load(image, file, { isCurrent, onState }));
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
    if (isCurrent()) put(image, ready);
    return "loaded";
  }

  /** @param {HTMLImageElement} image */
  function release(image) {
    limit.drop(image);
    shown.delete(image);
  }

  return { show, release };
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
 * A queue that runs a few tasks at a time; a task that nobody waits for any more is dropped before it starts.
 * @param {number} most
 */
function createLimit(most) {
  /** @type {Map<object, () => Promise<void>>} */
  const waiting = new Map();
  let running = 0;

  function next() {
    for (const [key, task] of waiting) {
      if (running >= most) return;
      waiting.delete(key);
      running += 1;
      task().finally(() => {
        running -= 1;
        next();
      });
    }
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
