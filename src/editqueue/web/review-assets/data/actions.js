// What a person can do. Each tells how it went; nothing stays known that the server refused.

import { hasStatus, isNetwork } from "./problems.js";

/**
 * @import { Api, SubmitChoice } from "./api.js"
 * @import { KnownFile, State } from "./state.js"
 */

/** @typedef {ReturnType<typeof createActions>} Actions */

/**
 * What is told about actions. Names are those of the files.
 * @typedef {object} Report
 * @property {() => void} succeeded  any action, marks too
 * @property {(error: unknown, fileId: string) => void} failed  the id is empty when it is about several files
 * @property {(count: number) => void} submitted
 * @property {(name: string) => void} approved
 * @property {(name: string) => void} revised
 */

/**
 * @param {{ api: Api, orderId: string, state: State, report: Report, refresh: () => void,
 *   onSignedOut: (error: unknown) => void }} page
 */
export function createActions({ api, orderId, state, report, refresh, onSignedOut }) {
  let marked = Promise.resolve(); // marks go out one after the other, so that the last click wins

  /**
   * @param {string} fileId
   * @param {() => Promise<unknown>} send
   */
  async function attempt(fileId, send) {
    state.acting(1);
    try {
      await send();
      report.succeeded();
      return true;
    } catch (error) {
      fail(error, fileId);
      return false;
    } finally {
      state.acting(-1);
    }
  }

  /**
   * @param {unknown} error
   * @param {string} fileId
   */
  function fail(error, fileId) {
    if (hasStatus(error, 401)) {
      onSignedOut(error);
      return;
    }
    report.failed(error, fileId);
    if (!isNetwork(error)) setTimeout(refresh); // show what is true now
  }

  /**
   * @param {string[]} ids
   * @param {boolean} isMarked
   */
  function mark(ids, isMarked) {
    state.patch(ids, { marked: isMarked });
    const fileId = (ids.length === 1 && ids[0]) || "";
    marked = marked
      .then(() => attempt(fileId, () => api.mark(ids, isMarked)))
      .then((went) => {
        if (!went) state.patch(ids, { marked: !isMarked });
      });
    return marked;
  }

  /**
   * @param {string[]} ids
   * @param {SubmitChoice} choice
   */
  async function submit(ids, choice) {
    await marked; // the server must know every mark by then
    const went = await attempt("", () => api.submit(orderId, ids, choice));
    if (went) report.submitted(ids.length);
    return settle(went, ids, { status: "queued", sent: true });
  }

  /** @param {string} id */
  async function approve(id) {
    const name = state.nameOf(id);
    const went = await attempt(id, () => api.approve(id));
    if (went) report.approved(name);
    return settle(went, [id], { approved: true });
  }

  /**
   * @param {string} id
   * @param {string} note
   */
  async function revise(id, note) {
    const name = state.nameOf(id);
    const went = await attempt(id, () => api.revise(id, note));
    if (went) report.revised(name);
    return settle(went, [id], { status: "queued", sent: true, approved: false });
  }

  /**
   * @param {boolean} went
   * @param {string[]} ids
   * @param {Partial<KnownFile>} fields
   */
  function settle(went, ids, fields) {
    if (!went) return false;
    state.patch(ids, fields);
    refresh();
    return true;
  }

  return { mark, submit, approve, revise };
}
