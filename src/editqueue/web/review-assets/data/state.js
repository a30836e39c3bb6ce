// What the page knows. Everything that is shown follows from here.

/** @import { FileItem, NotificationItem, StatusAnswer } from "./types.js" */

/** @typedef {FileItem & { sent?: boolean }} KnownFile `sent`: off to editing from this page, not listed since */
/** @typedef {ReturnType<typeof createState>} State */

export function createState() {
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const state = {
    /** @type {KnownFile[]} */
    files: [],
    /** @type {Map<string, KnownFile>} */
    byId: new Map(),
    /** @type {StatusAnswer | null} */
    counts: null,
    /** @type {NotificationItem[]} newest first */
    notifications: [],
    loaded: false,
    touched: 0,
    pending: 0,
  };
  const changed = () => {
    for (const listener of listeners) listener();
  };

  return {
    get: () => state,
    /** @param {string} id */
    nameOf: (id) => state.byId.get(id)?.name ?? "",
    /** @param {string} id */
    has: (id) => state.byId.has(id),
    /** @param {() => void} listener */
    subscribe: (listener) => listeners.add(listener),
    changed,
    /**
     * @param {KnownFile[]} files
     * @param {{ complete: boolean }} list
     */
    setFiles(files, { complete }) {
      state.files = files;
      state.byId = byIdOf(files);
      state.loaded ||= complete || files.length > 0;
      changed();
    },
    /** @param {StatusAnswer} counts */
    setCounts(counts) {
      state.counts = counts;
      changed();
    },
    /** @param {NotificationItem[]} items */
    setNotifications(items) {
      state.notifications = items;
      changed();
    },
    /**
     * An action starts (1) or ends (-1): what was asked of the server before or meanwhile is out of date.
     * @param {1 | -1} step
     */
    acting(step) {
      state.touched += 1;
      state.pending += step;
    },
    /** @param {number} touched  as it was before the server was asked */
    isStale: (touched) => state.pending > 0 || state.touched !== touched,
    /**
     * Change files at once, before the server confirms.
     * @param {string[]} ids
     * @param {Partial<KnownFile>} fields
     */
    patch(ids, fields) {
      const wanted = new Set(ids);
      state.files = state.files.map((file) => (wanted.has(file.id) ? { ...file, ...fields } : file));
      state.byId = byIdOf(state.files);
      changed();
    },
  };
}

/** @param {KnownFile[]} files */
const byIdOf = (files) => new Map(files.map((file) => [file.id, file]));
