// What a person can do. Each tells how it went; nothing stays shown that the server refused.

import { explainAction, hasStatus, isNetwork } from "./problems.js";

export function createActions({ api, orderId, state, i18n, messages, refresh, onSignedOut }) {
  let marked = Promise.resolve(); // marks go out one after the other, so that the last click wins

  async function attempt(about, send) {
    state.acting(1);
    try {
      await send();
      messages.clear("action");
      return true;
    } catch (error) {
      fail(error, about);
      return false;
    } finally {
      state.acting(-1);
    }
  }

  function fail(error, about) {
    if (hasStatus(error, 401)) onSignedOut(error);
    else messages.show("action", () => explainAction(error, { t: i18n.t, nameOf: state.nameOf, about }));
    if (!hasStatus(error, 401) && !isNetwork(error)) setTimeout(refresh); // show what is true now
  }

  const good = (tell) => messages.show("good", tell, { kind: "good" });

  function mark(ids, isMarked) {
    state.patch(ids, { marked: isMarked });
    const about = ids.length === 1 ? ids[0] : "";
    marked = marked.then(() => attempt(about, () => api.mark(ids, isMarked))).then((went) => {
      if (!went) state.patch(ids, { marked: !isMarked });
    });
    return marked;
  }

  async function submit(ids, choice) {
    await marked; // the server must know every mark by then
    const went = await attempt("", () => api.submit(orderId, ids, choice));
    if (went) good(() => i18n.count("submit.done", ids.length));
    return settle(went, ids, { status: "queued", sent: true });
  }

  async function approve(id) {
    const name = state.nameOf(id);
    const went = await attempt(id, () => api.approve(id));
    if (went) good(() => i18n.t("approve.done", { name }));
    return settle(went, [id], { approved: true });
  }

  async function revise(id, note) {
    const name = state.nameOf(id);
    const went = await attempt(id, () => api.revise(id, note));
    if (went) good(() => i18n.t("revision.done", { name }));
    return settle(went, [id], { status: "queued", sent: true, approved: false });
  }

  function settle(went, ids, fields) {
    if (!went) return false;
    state.patch(ids, fields);
    refresh();
    return true;
  }

  return { mark, submit, approve, revise };
}
