// The API of the contract: one function per route this page needs.

import { NetworkProblem, problemOf } from "./problems.js";

const TIMEOUT_MS = 20_000;
const PAGE = 200;
const AT_ONCE = 1000; // ids the API takes per request
const part = encodeURIComponent;

export function createApi({ base, token }) {
  const get = (path) => request("GET", path);
  const post = (path, body) => request("POST", path, body);

  async function request(method, path, body) {
    const response = await reach(`${base}/api${path}`, {
      method,
      headers: headersOf(body, token()),
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "include",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw await problemOf(response);
    return readJson(response);
  }

  return {
    status: (order) => get(`/orders/${part(order)}/status`),
    files: (order, cursor) => get(`/orders/${part(order)}/files?limit=${PAGE}${cursor ? `&cursor=${part(cursor)}` : ""}`),
    preview: (file) => get(`/files/${part(file)}/preview`),
    notifications: () => get("/notifications?limit=50"),
    mark: (ids, marked) => inChunks(ids, (some) => post("/files/bulk-mark", { ids: some, marked })),
    submit: (order, ids, choice) =>
      inChunks(ids, (some) => post(`/orders/${part(order)}/submit-edits`, submission(some, choice))),
    approve: (file) => post(`/files/${part(file)}/approve`),
    revise: (file, note) => post(`/files/${part(file)}/revision`, { note }),
  };
}

function headersOf(body, token) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  return headers;
}

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw new NetworkProblem(error);
  }
}

async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    throw new NetworkProblem(error); // cut off on the way
  }
}

function submission(ids, { express, notes }) {
  return notes ? { files: ids, express, order_notes: notes } : { files: ids, express };
}

async function inChunks(ids, send) {
  for (let at = 0; at < ids.length; at += AT_ONCE) await send(ids.slice(at, at + AT_ONCE));
}
