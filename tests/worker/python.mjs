// CPython in WebAssembly, as workerd starts it: the same interpreter, packages and SDK, the Worker's class on top.
import { loadPyodide } from "pyodide";

const BOOTSTRAP = `
import sys, time
sys.path[:0] = ["/source", "/packages"]

def before():
    # What the SDK's patches do inside workerd: there are no threads, so blocking calls run in place.
    import anyio.to_thread
    async def run_sync(func, *args, **kwargs):
        return func(*args)
    anyio.to_thread.run_sync = run_sync
before()

started = time.perf_counter()
from worker import Default
import_seconds = time.perf_counter() - started
modules = sorted(sys.modules)

def worker(context, env):
    return Default(context, env)
`;

export async function startPython({ source, packages, env }) {
  const begun = performance.now();
  const pyodide = await loadPyodide({ stdout: console.error, stderr: console.error });
  for (const [place, folder] of [["/source", source], ["/packages", packages]]) {
    pyodide.FS.mkdir(place);
    pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: folder }, place);
  }
  const nothing = { patchWaitUntil() {}, cloudflareWorkersModule: { env, waitUntil() {} }, doAnImport() {} };
  pyodide.registerJsModule("_pyodide_entrypoint_helper", nothing);
  pyodide.registerJsModule("_cloudflare_compat_flags", {
    python_workflows_implicit_dependencies: true,
    python_request_headers_preserve_commas: true,
  });
  await pyodide.runPythonAsync(BOOTSTRAP);
  const make = pyodide.globals.get("worker");
  const worker = make({ waitUntil() {} }, env);
  const timings = {
    boot: (performance.now() - begun) / 1000,
    import: pyodide.globals.get("import_seconds"),
    modules: pyodide.globals.get("modules").toJs(),
  };
  return {
    timings,
    fetch: (request) => worker.fetch(request),
    queue: (batch) => worker.queue(batch, env, {}),
    scheduled: () => worker.scheduled({ cron: "*/2 * * * *" }, env, {}),
  };
}
