// What the page knows. Everything that is shown follows from here.

export function createState() {
  const listeners = new Set();
  const state = { files: [], byId: new Map(), counts: null, notifications: [], loaded: false, touched: 0, pending: 0 };
  const changed = () => listeners.forEach((listener) => listener(state));

  return {
    get: () => state,
    nameOf: (id) => state.byId.get(id)?.name ?? "",
    byIdHas: (id) => state.byId.has(id),
    subscribe: (listener) => listeners.add(listener),
    changed,
    setFiles(files, { complete }) {
      state.files = files;
      state.byId = new Map(files.map((file) => [file.id, file]));
      state.loaded ||= complete || files.length > 0;
      changed();
    },
    setCounts(counts) {
      state.counts = counts;
      changed();
    },
    setNotifications(items) {
      state.notifications = items;
      changed();
    },
    /** An action starts (1) or ends (-1): what was asked of the server before or meanwhile is out of date. */
    acting(step) {
      state.touched += 1;
      state.pending += step;
    },
    isStale: (touched) => state.pending > 0 || state.touched !== touched,
    /** Change files at once, before the server confirms. */
    patch(ids, fields) {
      const wanted = new Set(ids);
      state.files = state.files.map((file) => (wanted.has(file.id) ? { ...file, ...fields } : file));
      state.byId = new Map(state.files.map((file) => [file.id, file]));
      changed();
    },
  };
}
