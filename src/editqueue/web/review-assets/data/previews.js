// Signed preview URLs, asked for when needed and renewed before they run out.

import { hasStatus } from "./problems.js";

/**
 * @import { Api } from "./api.js"
 * @import { KnownFile } from "./state.js"
 */

/** @typedef {ReturnType<typeof createPreviews>} Previews */

const RENEW_BEFORE_MS = 30_000;
const SHORTEST_MS = 60_000;
const LONGEST_MS = 300_000;

/**
 * What a preview depends on: a new version or a finished edit means a new picture.
 * @type {(file: KnownFile) => string}
 */
export const previewTag = (file) => `${file.ver}|${file.status === "done"}|${file.preview_url ?? ""}`;

/** @param {Api} api */
export function createPreviews(api) {
  /** @type {Map<string, { url: string, tag: string, until: number }>} */
  const kept = new Map();

  /**
   * The URL, good for half a minute at least; null while there is no preview.
   * @param {KnownFile} file
   */
  async function urlOf(file, { renew = false } = {}) {
    const tag = previewTag(file);
    const known = kept.get(file.id);
    if (!renew && known?.tag === tag && known.until > Date.now()) return known.url;
    if (!file.preview_url) return null;
    return ask(file, tag);
  }

  /**
   * @param {KnownFile} file
   * @param {string} tag
   */
  async function ask(file, tag) {
    try {
      const { url, expires_at } = await api.preview(file.id);
      kept.set(file.id, { url, tag, until: renewalOf(expires_at) });
      return url;
    } catch (error) {
      if (hasStatus(error, 404)) return null;
      throw error;
    }
  }

  return {
    urlOf,
    /**
     * When the URL has to be renewed, in milliseconds since 1970.
     * @param {KnownFile} file
     */
    renewAt: (file) => kept.get(file.id)?.until ?? 0,
  };
}

/**
 * This computer's clock may be hours off: it must neither renew without end nor trust a URL for ever.
 * @param {string} expiresAt
 */
function renewalOf(expiresAt) {
  const told = Date.parse(expiresAt) - Date.now();
  const left = Math.min(Math.max(Number.isNaN(told) ? 0 : told, SHORTEST_MS), LONGEST_MS);
  return Date.now() + left - RENEW_BEFORE_MS;
}
