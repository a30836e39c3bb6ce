// One Cloudflare on this machine: miniflare with its real D1, R2, Queues and Images, and, from the first event on,
// Python in Pyodide. Says where it listens in one line of JSON, and ends when its standard input does.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare, Response as MiniflareResponse } from "miniflare";
import { Agent, setGlobalDispatcher } from "undici";
import { MessageBatch, QueueMessage, bindings } from "./bindings.mjs";
import { startPython } from "./python.mjs";

// No connection twice: workerd closes idle ones just when the next request leaves.
setGlobalDispatcher(new Agent({ pipelining: 0 }));
const { here, source, packages, migrations, consumer, settings } = JSON.parse(process.argv[2]);
const counted = { settled: 0, retried: 0, delivered: 0, failed: 0, held: 0, sent: 0 };
const faults = { handler: 0, d1: 0, d1_where: "", send: 0, copy: 0, hold: null };
const waiting = new Set();
let release = () => {};
let python = null;

const miniflare = new Miniflare({
  modules: ["gateway.mjs", "s3.mjs"].map((name) => ({ type: "ESModule", path: join(here, name) })),
  modulesRoot: here,
  compatibilityDate: "2026-04-01",
  host: "127.0.0.1",
  port: 0,
  d1Databases: { DB: "stories", CONTRACTS: "contracts" },
  r2Buckets: { BUCKET: settings.BUCKET_NAME },
  queueProducers: { QUEUE: { queueName: "editqueue-jobs" } },
  queueConsumers: { "editqueue-jobs": consumer },
  images: { binding: "IMAGES" },
  bindings: { BUCKET_NAME: settings.BUCKET_NAME },
  serviceBindings: { PYTHON: event },
});
const gateway = (await miniflare.ready).origin;
for (const database of ["DB", "CONTRACTS"]) {
  const statements = migrations.map((path) => readFileSync(path, "utf8")).join("\n").split(/;\s*\n/);
  const prepared = statements.map((sql) => sql.trim()).filter((sql) => sql.replace(/^--.*$/gm, "").trim());
  await call("d1", { database, statements: prepared.map((sql) => ({ sql, params: [] })) });
}

/** One operation on the real bindings, inside workerd. */
async function call(name, body, bytes) {
  const answer = await fetch(`${gateway}/__test/${name}`, {
    method: "POST",
    headers: name === "put" ? { "x-put": encodeURIComponent(JSON.stringify(body)) } : {},
    body: bytes ?? JSON.stringify(body),
  });
  if (answer.status === 500) throw new Error((await answer.json()).error);
  return answer.headers.get("content-type") === "application/json" ? answer.json() : answer;
}

/** As Python calls it: with the faults that a test asked for. */
async function faulty(name, body, bytes) {
  if (name === "d1" && body.statements.some(({ sql }) => sql.includes(faults.d1_where)) && faults.d1-- > 0)
    throw new Error("D1_ERROR: Network connection lost.");
  if (name === "send" && faults.send-- > 0) throw new Error("Queue sendBatch failed: Too Many Requests");
  if (name === "copy" && faults.copy-- > 0) throw new Error("put: We encountered an internal error. (10001)");
  if (name === faults.hold) {
    faults.hold = null;
    await new Promise((resolve) => {
      release = resolve;
      count("held", 1);
    });
  }
  const answer = await call(name, body, bytes);
  if (name === "send") count("sent", body.messages.length);
  return answer;
}

async function started() {
  python ??= startPython({ source, packages, env: { ...bindings(faulty), ...settings, EDITQUEUE_S3_ENDPOINT: gateway } });
  return python;
}

async function event(request) {
  const { pathname } = new URL(request.url);
  const worker = await started();
  if (pathname === "/__events/queue") return MiniflareResponse.json(await queue(worker, await request.json()));
  if (pathname === "/__events/scheduled") {
    await worker.scheduled();
    return new MiniflareResponse();
  }
  const body = request.body === null ? undefined : await request.arrayBuffer();
  const answer = await worker.fetch(
    new Request(request.url, { method: request.method, headers: [...request.headers], body }),
  );
  return new MiniflareResponse(await answer.arrayBuffer(), { status: answer.status, headers: [...answer.headers] });
}

async function queue(worker, messages) {
  const verdicts = {};
  let error = null;
  count("delivered", messages.length);
  try {
    if (faults.handler-- > 0) throw new Error("the isolate died");
    await worker.queue(new MessageBatch(messages.map((one) => new QueueMessage(one, verdicts))));
  } catch (thrown) {
    error = thrown.message;
    count("failed", 1);
  }
  const said = Object.values(verdicts).map(([verb]) => verb);
  count("settled", said.filter((verb) => verb === "ack").length);
  count("retried", said.filter((verb) => verb === "retry").length);
  return { verdicts, error };
}

function count(name, more) {
  counted[name] += more;
  for (const check of waiting) check();
}

const CONTROLS = {
  fault: (body) => void Object.assign(faults, body),
  release: () => release(),
  counted: () => counted,
  cron: async () => void (await (await miniflare.getWorker()).scheduled({ cron: "*/2 * * * *" })),
  loaded: async () => (await started()).loaded,
  cpu: () => process.cpuUsage(),
  heap: async () => (await started()).heap(),
  evaluate: async ({ code }) => (await started()).evaluate(code),
  async send({ bodies }) {
    await call("send", { messages: bodies.map((body) => ({ body, contentType: "json" })) });
  },
  wait: ({ name, reach }) =>
    new Promise((resolve) => {
      const check = () => counted[name] >= reach && (waiting.delete(check), resolve(counted));
      waiting.add(check);
      check();
    }),
};

const control = createServer(async (request, response) => {
  try {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = pieces.length ? JSON.parse(Buffer.concat(pieces)) : {};
    response.end(JSON.stringify((await CONTROLS[request.url.slice(1)](body)) ?? null));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error.stack));
  }
});
control.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ gateway, control: `http://127.0.0.1:${control.address().port}` }));
});
process.stdin.resume();
process.stdin.on("end", async () => {
  await miniflare.dispose();
  process.exit(0);
});
