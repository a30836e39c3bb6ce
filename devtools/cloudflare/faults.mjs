// A binding of the Worker as it is, but for the calls that a test wants to fail, to wait or to answer otherwise. Runs in
// the Worker's own isolate. Whatever it does is asked of the host, which also keeps a list of the calls.
export default function ({ REAL, HOST }) {
  /** What the host says about a call: null, or what to do instead of it. */
  async function asked(call, { text = "", size = 0 } = {}) {
    const answer = await HOST.fetch("http://host/asked", { method: "POST", body: JSON.stringify({ call, text, size }) });
    const rule = await answer.json();
    if (rule?.error) throw rule.kind === "TypeError" ? new TypeError(rule.error) : new Error(rule.error);
    return rule;
  }

  const CALLS = {
    async batch(target, statements) {
      const text = statements.map((one) => one.statement).join("\n");
      const rule = await asked("batch", { text, size: statements.length });
      const given = [...statements];
      if (rule?.statement !== undefined) given[rule.statement] = target.prepare("INSERT INTO no_such_table VALUES (1)");
      const results = await target.batch(given);
      if (rule?.lost) throw new Error(rule.lost);
      return results;
    },
    async sendBatch(target, messages) {
      await asked("sendBatch", { text: JSON.stringify(messages), size: messages.length });
      return target.sendBatch(messages);
    },
    async head(target, key) {
      await asked("head", { text: key });
      return target.head(key);
    },
    async get(target, key, options) {
      await asked("get", { text: key });
      return target.get(key, options);
    },
    async put(target, key, value, options) {
      const rule = await asked(value instanceof ReadableStream ? "copy" : "put", { text: key });
      const written = await target.put(key, value, options);
      return rule?.written === undefined ? written : altered(written, { size: rule.written });
    },
    async delete(target, keys) {
      await asked("delete", { size: keys.length });
      return target.delete(keys);
    },
    async list(target, options) {
      await asked("list", { text: options.prefix });
      return target.list(options);
    },
    async info(target, stream) {
      await asked("info");
      return target.info(stream);
    },
    async output(target, options) {
      await asked("output");
      return target.output(options);
    },
    input: (target, stream) => watched(target.input(stream)),
    transform: (target, options) => watched(target.transform(options)),
  };

  /** The SDK picks its converters by the name of the class, so a proxy must keep it. */
  function watched(target) {
    return new Proxy(target, {
      get(_, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function" || name === "constructor") return value;
        return name in CALLS ? (...given) => CALLS[name](target, ...given) : value.bind(target);
      },
    });
  }

  return watched(REAL);
}

function altered(object, values) {
  return new Proxy(object, { get: (target, name) => values[name] ?? Reflect.get(target, name, target) });
}
