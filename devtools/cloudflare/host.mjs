// One Cloudflare on this machine: the Worker in workerd, beside it D1, R2, Queues and Images of miniflare. Says where it
// listens in one line of JSON, and ends when its standard input does.
//
// The only argument is JSON: `wrangler` (what wrangler.jsonc says), `worker` (the folder that is uploaded), `probe`,
// `migrations` (the text of each), `settings`, `pyodide` (options and flags for workerd), `faults` (whether calls of
// bindings can be made to fail), and perhaps `snapshot` (a file to start from) or `snapshots` (a folder to write one into).
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { Miniflare, Response } from "miniflare";
import { Agent, setGlobalDispatcher } from "undici";
import workerd from "workerd";

// No connection twice: workerd closes idle ones just when the next request leaves.
setGlobalDispatcher(new Agent({ pipelining: 0 }));
const here = import.meta.dirname;
const options = JSON.parse(process.argv[2]);
const { wrangler, worker, probe, migrations, settings, pyodide, faults, snapshot, snapshots } = options;
const PACKAGES = "python_modules/";
const CLOCK_MS = 100; // by so much the clock that stamps messages may be behind
const counted = { settled: 0, retried: 0, delivered: 0, failed: 0, held: 0, sent: 0 };
const waiting = new Set();
let calls = [];
let rules = [];
let release = () => {};
let healed = 0;

const scratch = mkdtempSync(join(tmpdir(), "editqueue-workerd-"));
const tidy = () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
process.env.TMPDIR = scratch; // miniflare keeps its databases there
process.env.MINIFLARE_WORKERD_PATH = workerdWithOptions();

const port = await freePort();
const gateway = `http://127.0.0.1:${port}`;
const [database] = wrangler.d1_databases;
const [bucket] = wrangler.r2_buckets;
const [producer] = wrangler.queues.producers;
const [consumer] = wrangler.queues.consumers;
const compatibilityDate = wrangler.compatibility_date;
const stores = {
  d1Databases: { [database.binding]: "shop" },
  r2Buckets: { [bucket.binding]: bucket.bucket_name },
  queueProducers: { [producer.binding]: { queueName: producer.queue } },
};
const images = { binding: wrangler.images.binding };
const miniflare = new Miniflare({
  host: "127.0.0.1",
  port,
  handleRuntimeStdio(...streams) {
    for (const stream of streams) stream.pipe(process.stderr, { end: false });
  },
  workers: [
    {
      name: "front",
      modules: ["front.mjs", "s3.mjs"].map((name) => ({ type: "ESModule", path: join(here, name) })),
      modulesRoot: here,
      compatibilityDate,
      compatibilityFlags: ["service_binding_extra_handlers"], // so that it can pass on batches and cron ticks
      ...stores,
      queueConsumers: {
        [consumer.queue]: {
          maxBatchSize: consumer.max_batch_size,
          maxBatchTimeout: consumer.max_batch_timeout,
          maxRetries: consumer.max_retries,
          deadLetterQueue: consumer.dead_letter_queue,
        },
      },
      bindings: { BUCKET_NAME: bucket.bucket_name },
      serviceBindings: { WORKER: "worker", HOST: host },
    },
    {
      name: "worker",
      modules: modules(),
      modulesRoot: "/",
      compatibilityDate,
      compatibilityFlags: [...wrangler.compatibility_flags, ...pyodide.flags],
      ...(faults ? wrapped() : { ...stores, images }),
      bindings: { ...wrangler.vars, EDITQUEUE_S3_ENDPOINT: gateway, ...settings },
    },
    ...(faults ? wrappers() : []),
  ],
});
await miniflare.ready;
for (const migration of migrations) {
  const statements = migration.split(/;\s*\n/).map((sql) => sql.replace(/^--.*$/gm, "").trim());
  await behind("d1", { statements: statements.filter(Boolean).map((sql) => ({ sql })) });
}

/** Each binding of the Worker by the name that it has, and what miniflare calls its kind. */
function* bindings() {
  for (const [kind, named] of Object.entries(stores))
    for (const [name, target] of Object.entries(named)) yield { name, real: { [kind]: { REAL: target } } };
  yield { name: images.binding, real: { images: { binding: "REAL" } } };
}

function wrapped() {
  const named = [...bindings()].map(({ name }) => [name, { scriptName: `faults-${name}` }]);
  return { wrappedBindings: Object.fromEntries(named) };
}

function wrappers() {
  const script = readFileSync(join(here, "faults.mjs"), "utf8");
  const serviceBindings = { HOST: host };
  return [...bindings()].map(({ name, real }) => ({ name: `faults-${name}`, modules: true, script, ...real, serviceBindings }));
}

/** As wrangler uploads them: what lies in python_modules as data, the Worker's own files as Python. */
function modules() {
  const python = (name, path) => ({ type: "PythonModule", path: `/${name}`, contents: readFileSync(path) });
  const data = (name) => ({ type: "Data", path: `/${name}`, contents: readFileSync(join(worker, name)) });
  const others = files(worker).filter((name) => name !== "worker.py");
  return [
    python("worker.py", probe),
    python("main_of_the_worker.py", join(worker, "worker.py")),
    ...others.filter((name) => name.startsWith(PACKAGES)).map(data),
    ...others
      .filter((name) => !name.startsWith(PACKAGES) && name.endsWith(".py"))
      .map((name) => python(name, join(worker, name))),
  ];
}

function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name))).sort();
}

/** miniflare passes no options of workerd's on, so what it starts is a script that does. */
function workerdWithOptions() {
  const more = [...pyodide.options];
  if (snapshots) more.push("--python-save-snapshot", `--python-snapshot-dir=${snapshots}`);
  if (snapshot) more.push(`--python-snapshot-dir=${dirname(snapshot)}`, `--python-load-snapshot=${basename(snapshot)}`);
  const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;
  const command = `${quoted(workerd.default ?? workerd)} "$@" ${more.map(quoted).join(" ")}`;
  const path = join(scratch, "workerd");
  // With util-linux, workerd ends even when this process is killed.
  const lines = ["#!/bin/sh", `command -v setpriv >/dev/null && exec setpriv --pdeathsig KILL ${command}`, `exec ${command}`];
  writeFileSync(path, `${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Asked for beforehand, because the Worker is told where its signed URLs lead before it starts. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const found = server.address().port;
      server.close(() => resolve(found));
    });
  });
}

/** One operation on the bindings, behind the Worker's back. */
async function behind(operation, body) {
  const answer = await fetch(`${gateway}/__test/${operation}`, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** What front.mjs tells and asks, and faults.mjs asks. */
async function host(request) {
  const body = await request.json();
  if (new URL(request.url).pathname === "/healed") return Response.json(healed);
  if (new URL(request.url).pathname === "/told") return new Response(told(body));
  return Response.json(await asked(body));
}

/** What is to become of a batch that was delivered: nothing else, "lose" or "die". */
function told(counts) {
  for (const [name, more] of Object.entries(counts)) count(name, more);
  if (!("delivered" in counts)) return "";
  const rule = taken("queue", "");
  if (rule?.verdict === "die") count("failed", 1);
  return rule?.verdict ?? "";
}

/** What is to become of a call of a binding: null, or the rule that a test gave for it. */
async function asked({ call, text, size }) {
  calls.push({ call, text, size });
  const rule = taken(call, text);
  if (rule?.hold) {
    await new Promise((resolve) => {
      release = resolve;
      count("held", 1);
    });
    return null;
  }
  if (call === "sendBatch" && !rule?.error) count("sent", size);
  return rule ?? null;
}

function taken(call, text) {
  const rule = rules.find((one) => one.call === call && one.times > 0 && text.includes(one.where ?? ""));
  if (rule) rule.times -= 1;
  return rule;
}

function count(name, more) {
  counted[name] += more;
  for (const check of waiting) check();
}

const CONTROLS = {
  /** `call`, `times`, perhaps `where` (in the text of the call), and what to do: see faults.mjs. */
  rule: (rule) => void rules.push({ times: 1, ...rule }),
  /** As at the start: no rule, no call, none held, and messages from before are forgotten wherever they wait. */
  heal() {
    rules = [];
    calls = [];
    release();
    healed = Date.now() - CLOCK_MS;
  },
  release: () => release(),
  calls: () => calls,
  counted: () => counted,
  async cron() {
    const { outcome } = await (await miniflare.getWorker("front")).scheduled({ cron: wrangler.triggers.crons[0] });
    if (outcome !== "ok") throw new Error(`the cron tick ended with "${outcome}"`);
  },
  send: ({ bodies }) => behind("send", { bodies }),
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

async function end() {
  await miniflare.dispose();
  tidy();
  process.exit(0);
}
process.on("exit", tidy);
process.on("SIGTERM", end);
process.stdin.on("end", end);
process.stdin.resume();
