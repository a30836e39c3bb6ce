// CPython in WebAssembly, as workerd starts it: the same interpreter, packages and SDK, the Worker's class on top.
import { loadPyodide } from "pyodide";

const BOOTSTRAP = `
import sys
sys.path[:0] = ["/source", "/packages"]

def before():
    # What the SDK's patches do inside workerd: there are no threads, so blocking calls run in place.
    import anyio.to_thread
    async def run_sync(func, *args, **kwargs):
        return func(*args)
    anyio.to_thread.run_sync = run_sync
before()

from worker import Default
modules = sorted(sys.modules)

def worker(context, env):
    return Default(context, env)
`;

export async function startPython({ source, packages, env }) {
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
  const begun = process.cpuUsage();
  await pyodide.runPythonAsync(BOOTSTRAP);
  const { user, system } = process.cpuUsage(begun);
  const make = pyodide.globals.get("worker");
  const fresh = () => make({ waitUntil() {} }, env); // for each event, as the runtime does
  return {
    loaded: { import_cpu_seconds: (user + system) / 1e6, modules: pyodide.globals.get("modules").toJs() },
    evaluate: (code) => pyodide.runPython(code),
    heap: () => pyodide._module.HEAP8.length,
    fetch: (request) => fresh().fetch(request),
    queue: (batch) => fresh().queue(batch, env, {}),
    scheduled: () => fresh().scheduled({ cron: "*/2 * * * *" }, env, {}),
  };
}
