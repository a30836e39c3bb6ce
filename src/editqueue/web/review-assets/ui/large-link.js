// The link that opens the preview in a tab of its own: its URL is renewed before it runs out.

import { byId } from "./dom.js";

/**
 * @import { Previews } from "../data/previews.js"
 * @import { KnownFile } from "../data/state.js"
 */

/** @param {{ previews: Previews, isShown: (id: string) => boolean }} page */
export function createLargeLink({ previews, isShown }) {
  const link = byId("large-open", HTMLAnchorElement);
  /** @type {number | undefined} */
  let renewal;

  /** @param {KnownFile} file */
  async function keep(file) {
    clearTimeout(renewal);
    if (document.hidden) return; // nobody can click it; a shown tab comes back here
    const url = await previews.urlOf(file).catch(() => null);
    if (!isShown(file.id)) return;
    link.hidden = url === null;
    if (url !== null) link.href = url;
    renewal = setTimeout(() => keep(file), Math.max(1000, previews.renewAt(file) - Date.now()));
  }

  function hide() {
    clearTimeout(renewal);
    link.hidden = true;
  }

  return { keep, hide };
}
