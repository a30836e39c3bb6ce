// What workerd would give to Python as `env`, in Node: the SDK picks its converters by the names of these classes.
const Stub = (call) => ({
  DB: class D1Database {
    prepare(sql) {
      return new D1PreparedStatement(sql, []);
    }
    batch(statements) {
      return call("d1", { database: "DB", statements: statements.map(({ sql, params }) => ({ sql, params })) });
    }
  },
  BUCKET: class R2Bucket {
    async head(key) {
      return stored(await call("head", { key }));
    }
    async get(key, options = {}) {
      const { range, onlyIf } = options;
      const described = await call(onlyIf ? "look" : "head", { key, onlyIf });
      const found = stored(described);
      if (described?.met ?? found !== null) found.body = lazy(call, { key, range, onlyIf });
      return found;
    }
    async put(key, value, options) {
      if (value.source) return stored(await call("copy", { ...value.source, target: key, options }));
      return stored(await call("put", { key, options }, value));
    }
    delete(keys) {
      return call("remove", { keys });
    }
    async list(options) {
      const page = await call("list", { options });
      return { ...page, objects: page.objects.map(stored) };
    }
  },
  QUEUE: class WorkerQueue {
    sendBatch(messages) {
      return call("send", { messages });
    }
  },
  IMAGES: class ImagesBindingImpl {
    input(stream) {
      return new ImageTransformerImpl(call, stream.source, []);
    }
    async info(stream) {
      return call("info", {}, await new Response(stream).arrayBuffer());
    }
  },
});

export function bindings(call) {
  return Object.fromEntries(Object.entries(Stub(call)).map(([name, Binding]) => [name, new Binding()]));
}

class D1PreparedStatement {
  constructor(sql, params) {
    this.sql = sql;
    this.params = params;
  }
  bind(...params) {
    return new D1PreparedStatement(this.sql, params);
  }
}

class HeadResult {}

function stored(described) {
  return described && Object.assign(new HeadResult(), described, { uploaded: new Date(described.uploaded) });
}

/** R2's stream: read when somebody reads it, and known by its source when it is handed to another binding. */
function lazy(call, source) {
  let reader;
  const stream = new ReadableStream(
    {
      async pull(controller) {
        reader ??= ((await call("get", source)).body ?? new Blob().stream()).getReader();
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
  return Object.assign(stream, { source });
}

class ImageTransformerImpl {
  constructor(call, source, transforms) {
    Object.assign(this, { call, source, transforms });
  }
  transform(options) {
    return new ImageTransformerImpl(this.call, this.source, [...this.transforms, options]);
  }
  async output(output) {
    return new ImageTransformationResultImpl(
      await this.call("image", { ...this.source, transforms: this.transforms, output }),
    );
  }
}

class ImageTransformationResultImpl {
  constructor(response) {
    this.image = () => response.body;
  }
}

/** A delivered message; what Python decides about it is kept in `verdicts`. The first word counts. */
export class QueueMessage {
  constructor({ id, body, attempts }, verdicts) {
    Object.assign(this, { id, body, attempts });
    this.ack = () => void (verdicts[id] ??= ["ack"]);
    this.retry = (options) => void (verdicts[id] ??= ["retry", options]);
  }
}

export class MessageBatch {
  constructor(messages) {
    this.messages = messages;
    this.queue = "editqueue-jobs";
  }
}
