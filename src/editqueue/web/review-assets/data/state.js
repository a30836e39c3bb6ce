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
    /** @type {NotificationItem[]} of this order, newest first */
    notifications: [],
    loaded: false,
    touched: 0,
    pending: 0,
  };
  /** @type {Map<string, Partial<KnownFile>>} what is so here and not yet on the server */
  const held = new Map();
  const changed = () => {
    for (const listener of listeners) listener();
  };

  /**
   * Change files at once, before the server confirms.
   * @param {string[]} ids
   * @param {Partial<KnownFile>} fields
   */
  function patch(ids, fields) {
    const wanted = new Set(ids);
    state.files = state.files.map((file) => (wanted.has(file.id) ? { ...file, ...fields } : file));
    state.byId = byIdOf(state.files);
    changed();
  }

  return {
    get: () => state,
    /** @param {string} id */
    nameOf: (id) => state.byId.get(id)?.name ?? "",
    /** @param {string} id */
    has: (id) => state.byId.has(id),
    /** @param {string} id */
    file: (id) => state.byId.get(id),
    /** @param {() => void} listener */
    subscribe: (listener) => listeners.add(listener),
    changed,
    /**
     * @param {KnownFile[]} files
     * @param {{ complete: boolean }} list
     */
    setFiles(files, { complete }) {
      state.files = files.map((file) => ({ ...file, ...held.get(file.id) }));
      state.byId = byIdOf(state.files);
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
    /** Somebody else changed something: the next look lists everything. */
    outdated() {
      state.touched += 1;
    },
    /** @param {number} touched  as it was before the server was asked */
    isStale: (touched) => state.pending > 0 || state.touched !== touched,
    patch,
    /**
     * Change a file, whatever the server says meanwhile.
     * @param {string} id
     * @param {Partial<KnownFile>} fields
     */
    hold(id, fields) {
      held.set(id, fields);
      patch([id], fields);
    },
    /** @param {string} id */
    release: (id) => held.delete(id),
    /** @param {string[]} ids */
    forget(ids) {
      const gone = new Set(ids);
      state.files = state.files.filter((file) => !gone.has(file.id));
      state.byId = byIdOf(state.files);
      changed();
    },
  };
}

/** @param {KnownFile[]} files */
const byIdOf = (files) => new Map(files.map((file) => [file.id, file]));
