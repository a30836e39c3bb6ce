// The API of the contract: where it is, and one function per route this page needs.

import { loadJson } from "./assets.js";
import { NetworkProblem, problemOf } from "./problems.js";

/**
 * @import { ApproveAnswer, DeleteAnswer, FilesAnswer, NotificationsAnswer, Ok, PreviewAnswer, RevisionAnswer,
 *   StatusAnswer, SubmitAnswer } from "./types.js"
 */

/** @typedef {ReturnType<typeof createApi>} Api */
/** @typedef {{ express: boolean, notes: string }} SubmitChoice */

const TIMEOUT_MS = 20_000;
const AT_ONCE = 1000; // ids the API takes per request
const part = encodeURIComponent;

/**
 * The page's configuration: the API's origin (empty for the page's own), and how the page is branded.
 * @typedef {object} Config
 * @property {string} [api_base]
 * @property {string} [brand]  the name in the header
 * @property {string} [logo]  the address of a picture in its place
 * @property {Partial<Record<string, Record<string, string>>>} [texts]  by language and key, instead of the page's own
 */

/** Rejects when it cannot be loaded. */
export async function loadConfig() {
  /** @type {Config} */
  const config = await loadJson("/review-assets/config.json");
  return { ...config, api_base: String(config.api_base ?? "").replace(/\/+$/, "") };
}

/**
 * Every function rejects with an ApiProblem or a NetworkProblem.
 * @param {{ base: string, token: () => string | null }} server
 */
export function createApi({ base, token }) {
  return {
    /** @type {(order: string) => Promise<StatusAnswer>} */
    status: (order) => request("GET", `/orders/${part(order)}/status`),
    /** @type {(order: string, cursor: string | null, limit: number) => Promise<FilesAnswer>} */
    files: (order, cursor, limit) => request("GET", `/orders/${part(order)}/files?${pageOf(cursor, limit)}`),
    /** @type {(file: string) => Promise<PreviewAnswer>} */
    preview: (file) => request("GET", `/files/${part(file)}/preview`),
    /** @type {(cursor: string | null, limit: number) => Promise<NotificationsAnswer>} */
    notifications: (cursor, limit) => request("GET", `/notifications?${pageOf(cursor, limit)}`),
    /** @type {(ids: string[], marked: boolean) => Promise<Ok[]>} */
    mark: (ids, marked) => inChunks(ids, (chunk) => request("POST", "/files/bulk-mark", { ids: chunk, marked })),
    /** @type {(order: string, ids: string[], choice: SubmitChoice) => Promise<SubmitAnswer[]>} */
    submit: (order, ids, choice) =>
      inChunks(ids, (chunk) => request("POST", `/orders/${part(order)}/submit-edits`, submission(chunk, choice))),
    /** @type {(file: string) => Promise<ApproveAnswer>} */
    approve: (file) => request("POST", `/files/${part(file)}/approve`),
    /** @type {(file: string, note: string) => Promise<RevisionAnswer>} */
    revise: (file, note) => request("POST", `/files/${part(file)}/revision`, { note }),
    /** @type {(file: string) => Promise<DeleteAnswer>} */
    remove: (file) => request("DELETE", "/files/bulk", { ids: [file] }),
  };

  /**
   * @template Answer
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<Answer>}
   */
  async function request(method, path, body) {
    const response = await reach(`${base}/api${path}`, {
      method,
      headers: headersOf(body, token()),
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "include",
      cache: "no-store",
      keepalive: method === "POST" && body === undefined, // an approval is sent even as the tab closes
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw await problemOf(response);
    return readJson(response);
  }
}

/** @type {(cursor: string | null, limit: number) => string} */
const pageOf = (cursor, limit) => `limit=${limit}${cursor ? `&cursor=${part(cursor)}` : ""}`;

/**
 * @param {object | undefined} body
 * @param {string | null} token
 */
function headersOf(body, token) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  return headers;
}

/**
 * @param {string} url
 * @param {RequestInit} options
 */
async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw new NetworkProblem(url, { cause: error });
  }
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    throw new NetworkProblem(response.url, { cause: error }); // cut off on the way
  }
}

/**
 * @param {string[]} ids
 * @param {SubmitChoice} choice
 */
function submission(ids, { express, notes }) {
  return notes ? { files: ids, express, order_notes: notes } : { files: ids, express };
}

/**
 * @template Answer
 * @param {string[]} ids
 * @param {(chunk: string[]) => Promise<Answer>} send
 */
async function inChunks(ids, send) {
  const answers = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) answers.push(await send(ids.slice(at, at + AT_ONCE)));
  return answers;
}
