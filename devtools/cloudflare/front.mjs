// Stands before the Worker, inside workerd: the S3 side of R2, what tests do with the bindings behind the Worker's back
// under /__test/, and every event passed on to the Worker, so that what it made of it can be counted.
import { s3 } from "./s3.mjs";

const OPERATIONS = {
  async d1(env, { statements }) {
    const prepared = statements.map(({ sql, params = [] }) => env.DB.prepare(sql).bind(...params));
    return Response.json(await env.DB.batch(prepared));
  },
  async head(env, { key }) {
    return Response.json(described(await env.BUCKET.head(key)));
  },
  async get(env, { key }) {
    const found = await env.BUCKET.get(key);
    return found === null ? Response.json(null, { status: 404 }) : new Response(found.body);
  },
  async list(env) {
    const { objects } = await env.BUCKET.list();
    return Response.json(objects.map(described));
  },
  async remove(env, { keys }) {
    await env.BUCKET.delete(keys);
    return Response.json(null);
  },
  async send(env, { bodies }) {
    await env.QUEUE.sendBatch(bodies.map((body) => ({ body, contentType: "json" })));
    return Response.json(null);
  },
};

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (`${pathname}/`.startsWith(`/${env.BUCKET_NAME}/`)) return s3(request, env);
    if (!pathname.startsWith("/__test/")) return env.WORKER.fetch(request);
    const operation = pathname.slice("/__test/".length);
    try {
      if (operation === "put") return await put(request, env);
      return await OPERATIONS[operation](env, await request.json());
    } catch (error) {
      return Response.json({ error: error.message }, { status: 500 });
    }
  },

  async queue(batch, env) {
    // A message that an earlier test left waiting for its next delivery is nobody's.
    const healed = await (await env.HOST.fetch("http://host/healed", { method: "POST", body: "{}" })).json();
    const delivered = batch.messages.filter(({ timestamp }) => timestamp.getTime() >= healed);
    if (delivered.length === 0) return;
    const verdict = await told(env, { delivered: delivered.length });
    if (verdict === "lose") return; // unsettled messages of a batch that ended well count as done
    if (verdict === "die") throw new Error("the isolate died");
    const messages = delivered.map(({ id, timestamp, attempts, body }) => ({ id, timestamp, attempts, body }));
    const made = await env.WORKER.queue(batch.queue, messages);
    const settled = new Set(made.explicitAcks);
    const delays = new Map(made.retryMessages.map(({ msgId, delaySeconds }) => [msgId, delaySeconds]));
    await told(env, { settled: settled.size, retried: delays.size, failed: made.outcome === "ok" ? 0 : 1 });
    for (const message of delivered) {
      if (settled.has(message.id)) message.ack();
      else if (delays.has(message.id)) message.retry({ delaySeconds: delays.get(message.id) });
    }
    if (made.outcome !== "ok") throw new Error(`queue() of the Worker ended with "${made.outcome}"`);
  },

  async scheduled(controller, env) {
    const { outcome } = await env.WORKER.scheduled({ cron: controller.cron, scheduledTime: new Date() });
    if (outcome !== "ok") throw new Error(`scheduled() of the Worker ended with "${outcome}"`);
  },
};

async function put(request, env) {
  const { key, options } = JSON.parse(decodeURIComponent(request.headers.get("x-put")));
  const revived = { ...options, httpMetadata: { ...options.httpMetadata } };
  const expires = options.httpMetadata?.cacheExpiry;
  if (expires) revived.httpMetadata.cacheExpiry = new Date(expires);
  return Response.json(described(await env.BUCKET.put(key, await request.arrayBuffer(), revived)));
}

async function told(env, counts) {
  return (await env.HOST.fetch("http://host/told", { method: "POST", body: JSON.stringify(counts) })).text();
}

function described(object) {
  if (object === null) return null;
  const { key, size, etag, httpMetadata, customMetadata } = object;
  return { key, size, etag, uploaded: object.uploaded.getTime(), httpMetadata, customMetadata };
}
