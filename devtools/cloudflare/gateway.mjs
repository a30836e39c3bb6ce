// Runs inside workerd: hands the real bindings to the tests, and the runtime's events to Python in Node.
// A stream that R2 gives is used here, inside workerd, where its length is known.
import { s3 } from "./s3.mjs";

const OPERATIONS = {
  async d1(env, { database, statements }) {
    const prepared = statements.map(({ sql, params }) => env[database].prepare(sql).bind(...params));
    return Response.json(await env[database].batch(prepared));
  },
  async head(env, { key }) {
    return Response.json(described(await env.BUCKET.head(key)));
  },
  /** What `get` would give, without its body; `met` says whether there is one. */
  async look(env, { key, onlyIf }) {
    const found = await env.BUCKET.get(key, { onlyIf });
    await found?.body?.cancel();
    return Response.json(found && { ...described(found), met: "body" in found });
  },
  async get(env, { key, range, onlyIf }) {
    const found = await env.BUCKET.get(key, { range, onlyIf });
    return found === null
      ? Response.json(null)
      : new Response(found.body, { headers: { "x-object": encodeURIComponent(JSON.stringify(described(found))) } });
  },
  async copy(env, { key, onlyIf, target, options }) {
    const found = await env.BUCKET.get(key, { onlyIf });
    return Response.json(described(await env.BUCKET.put(target, found.body, options)));
  },
  async remove(env, { keys }) {
    await env.BUCKET.delete(keys);
    return Response.json(null);
  },
  async list(env, { options }) {
    const { objects, truncated, cursor } = await env.BUCKET.list(options);
    return Response.json({ objects: objects.map(described), truncated, cursor: cursor ?? null });
  },
  async send(env, { messages }) {
    await env.QUEUE.sendBatch(messages);
    return Response.json(null);
  },
  async image(env, { key, range, onlyIf, transforms, output }) {
    const { body } = await env.BUCKET.get(key, { range, onlyIf });
    const input = transforms.reduce((made, one) => made.transform(one), env.IMAGES.input(body));
    return (await input.output(output)).response();
  },
};

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const name = url.pathname.startsWith("/__test/") ? url.pathname.slice("/__test/".length) : null;
    if (name === null && `${url.pathname}/`.startsWith(`/${env.BUCKET_NAME}/`)) return s3(request, env);
    if (name === null) return env.PYTHON.fetch(request);
    try {
      if (name === "put") {
        const { key, options } = JSON.parse(decodeURIComponent(request.headers.get("x-put")));
        return Response.json(described(await env.BUCKET.put(key, request.body ?? new Uint8Array(), options)));
      }
      if (name === "info") return Response.json(await env.IMAGES.info(request.body));
      return await OPERATIONS[name](env, await request.json());
    } catch (error) {
      return Response.json({ error: error.message }, { status: 500 });
    }
  },

  async queue(batch, env) {
    const messages = batch.messages.map(({ id, body, attempts }) => ({ id, body, attempts }));
    const answer = await env.PYTHON.fetch("http://python/__events/queue", {
      method: "POST",
      body: JSON.stringify(messages),
    });
    const { verdicts, error } = await answer.json();
    for (const message of batch.messages) {
      const [verb, options] = verdicts[message.id] ?? [];
      if (verb === "ack") message.ack();
      if (verb === "retry") message.retry(options);
    }
    if (error) throw new Error(error);
  },

  async scheduled(controller, env) {
    const answer = await env.PYTHON.fetch("http://python/__events/scheduled", { method: "POST" });
    if (!answer.ok) throw new Error(await answer.text());
  },
};

function described(object) {
  if (object === null) return null;
  const { key, size, etag, httpMetadata, customMetadata } = object;
  return { key, size, etag, uploaded: object.uploaded.getTime(), httpMetadata, customMetadata };
}
