// Other tabs of this browser that show the same order: each tells when it changed something.

/** @typedef {ReturnType<typeof createTabs>} Tabs */

/**
 * @param {string} orderId
 * @param {() => void} onChanged  another tab changed something
 */
export function createTabs(orderId, onChanged) {
  const channel = new BroadcastChannel(`review:${orderId}`);
  channel.addEventListener("message", onChanged);
  return { tell: () => channel.postMessage("changed") };
}
