// What a person can do. Each tells how it went; nothing stays shown that the server refused.

import { explainAction, hasStatus, isNetwork } from "./problems.js";

export function createActions({ api, orderId, state, i18n, messages, refresh, onSignedOut }) {
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
    else messages.show("action", explainAction(error, { t: i18n.t, nameOf: state.nameOf, about }));
    if (!hasStatus(error, 401) && !isNetwork(error)) setTimeout(refresh); // show what is true now
  }

  const good = (text) => messages.show("good", text, { kind: "good" });

  async function mark(ids, marked) {
    state.patch(ids, { marked });
    const went = await attempt(ids.length === 1 ? ids[0] : "", () => api.mark(ids, marked));
    if (!went) state.patch(ids, { marked: !marked });
  }

  async function submit(ids, choice) {
    const went = await attempt("", () => api.submit(orderId, ids, choice));
    if (went) good(i18n.count("submit.done", ids.length));
    return settle(went, ids, { status: "queued" });
  }

  async function approve(id) {
    const went = await attempt(id, () => api.approve(id));
    if (went) good(i18n.t("approve.done", { name: state.nameOf(id) }));
    return settle(went, [id], { approved: true });
  }

  async function revise(id, note) {
    const went = await attempt(id, () => api.revise(id, note));
    if (went) good(i18n.t("revision.done", { name: state.nameOf(id) }));
    return settle(went, [id], { status: "queued", approved: false });
  }

  function settle(went, ids, fields) {
    if (!went) return false;
    state.patch(ids, { ...fields, updated_at: new Date().toISOString() });
    refresh();
    return true;
  }

  return { mark, submit, approve, revise };
}
