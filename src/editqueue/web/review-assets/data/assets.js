// The page's own files. A server that names them by version says where they lie in its HTML.

/**
 * The address of a file that is versioned.
 * @param {string} name
 */
export const assetOf = (name) => `${document.documentElement.dataset.assets}/${name}`;

/**
 * Rejects when it cannot be had.
 * @template Content
 * @param {string} url
 * @returns {Promise<Content>}
 */
export async function loadJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return response.json();
}
