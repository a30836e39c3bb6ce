// The photos in their order: tiles are kept by file id, so nothing jumps and focus stays.

import { createLazy } from "./lazy.js";
import { makeTile, showPictureState, updateTile } from "./tile.js";

const NEAR = "150% 0px"; // previews are fetched one and a half windows ahead

export function createGrid({ list, i18n, pictures, isMissing }) {
  const made = new Map(); // id -> { tile, parts, file, key }
  const lazy = createLazy({
    near: NEAR,
    enter: (tile) => showPicture(made.get(tile.dataset.id)),
    leave: (tile) => dropPicture(made.get(tile.dataset.id)),
  });

  function render(files) {
    removeGone(files);
    files.forEach(place);
  }

  function place(file, at) {
    const entry = made.get(file.id) ?? add(file.id);
    if (list.children[at] !== entry.tile) list.insertBefore(entry.tile, list.children[at] ?? null);
    const key = `${i18n.language()}|${isMissing(file)}|${JSON.stringify(file)}`;
    if (entry.key === key) return;
    entry.file = file;
    entry.key = key;
    updateTile(entry, file, { i18n, isMissing });
    if (lazy.has(entry.tile)) showPicture(entry);
    else hint(entry);
  }

  function add(id) {
    const entry = makeTile(id);
    made.set(id, entry);
    lazy.watch(entry.tile);
    return entry;
  }

  function removeGone(files) {
    const wanted = new Set(files.map((file) => file.id));
    for (const [id, entry] of made) {
      if (wanted.has(id)) continue;
      lazy.forget(entry.tile);
      pictures.release(entry.parts.image);
      entry.tile.remove();
      made.delete(id);
    }
  }

  function showPicture(entry) {
    if (!entry?.file) return;
    hint(entry);
    pictures.show(entry.parts.image, entry.file, (result) => showPictureState(entry, result, i18n.t));
  }

  // Also after a change of language: what stands in the picture's place is text.
  function hint(entry) {
    const known = entry.tile.dataset.picture;
    if (!entry.file.preview_url && entry.parts.image.hidden) showPictureState(entry, "none", i18n.t);
    else if (known) showPictureState(entry, known, i18n.t);
  }

  function dropPicture(entry) {
    if (!entry) return;
    pictures.release(entry.parts.image);
    entry.parts.image.hidden = true;
    entry.parts.image.removeAttribute("src");
    entry.tile.removeAttribute("data-picture");
  }

  return {
    render,
    retryFailed: () => [...made.values()].filter(isFailed).forEach(retry),
    focus: (id) => made.get(id)?.parts.open.focus(),
  };

  function retry(entry) {
    pictures.release(entry.parts.image);
    showPicture(entry);
  }

  function isFailed(entry) {
    return entry.tile.dataset.picture === "failed" && lazy.has(entry.tile);
  }
}
