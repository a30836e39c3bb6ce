// Puts a preview into an <img>: decoded first, so that nothing flickers; an expired URL is renewed once.

import { previewTag } from "./previews.js";

export function createPictures({ previews, limit }) {
  const shown = new WeakMap(); // img -> tag of what it shows or is about to show

  /** `onState` hears "loading", then "loaded", "none" or "failed". A failed one is tried again after `release`. */
  function show(image, file, onState) {
    const tag = `${file.id}|${previewTag(file)}`;
    if (shown.get(image) === tag) return;
    shown.set(image, tag);
    const isCurrent = () => shown.get(image) === tag;
    if (file.preview_url && image.hidden) onState("loading");
    limit.add(image, () => load(image, file, { isCurrent, onState }));
  }

  async function load(image, file, { isCurrent, onState }) {
    const state = await attempt(image, file, isCurrent, false).catch(() => null);
    const result = state ?? (await attempt(image, file, isCurrent, true).catch(() => "failed"));
    if (isCurrent()) onState(result);
  }

  async function attempt(image, file, isCurrent, renew) {
    if (!isCurrent()) return "dropped";
    const url = await previews.urlOf(file, { renew });
    if (url === null) return "none";
    const ready = await decode(url);
    if (isCurrent()) put(image, ready);
    return "loaded";
  }

  function release(image) {
    limit.drop(image);
    shown.delete(image);
  }

  return { show, release };
}

async function decode(url) {
  const probe = new Image();
  probe.referrerPolicy = "no-referrer";
  probe.src = url;
  await probe.decode();
  return probe;
}

function put(image, ready) {
  image.src = ready.src;
  image.width = ready.naturalWidth;
  image.height = ready.naturalHeight;
  image.hidden = false;
}
