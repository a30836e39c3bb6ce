"""The Pyodide bundle that workerd would download, made from the npm package `pyodide`.

A bundle is one Cap'n Proto message: a list of modules (workerd's src/workerd/jsg/modules.capnp), each with a name and
a content. Three are enough: Emscripten's glue, the interpreter as WebAssembly, and the standard library.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BUNDLE: Final = "pyodide_dev.capnp.bin"
"""Where workerd looks for the bundle of the flag `python_workers_development`. Of a released one it knows the checksum,
and takes no other."""
FLAGS_OF_A_MADE_BUNDLE: Final = (
    "python_workers_development",
    *("no_python_workers_20250116", "no_python_workers_314"),
    "python_dedicated_snapshot",
)
"""The flag for that name loses against the newer ones that the date turns on, so these are turned off, and what they
would imply is named."""
REDIRECTED: Final[Mapping[str, str]] = {
    "new WebAssembly.Module": "newWasmModule",
    "WebAssembly.instantiate": "wasmInstantiate",
    "Date.now": "monotonicDateNow",
    "crypto.getRandomValues(": "getRandomValues(Module,",
    "getMemory(": "Module.getMemoryPatched(Module,libName,",
    "function loadLibData(){": (
        "function loadLibData(){"
        "const found=patchedLoadLibData(Module,libName,flags.rpath);"
        "return flags.loadAsync?Promise.resolve(found):found}"
        "function unusedLoadLibData(){"
    ),
    "eval(func)": "refuseToEvaluate()",
    "eval(data)": "refuseToEvaluate()",
    "eval(UTF8ToString(ptr))": "refuseToEvaluate()",
}
"""What the glue asks of a browser, and what workerd has instead: the runtime forbids the one and exports the other from
`pyodide-internal:builtin_wrappers`. `getMemory` puts a library at the same place again when a snapshot is restored."""
WRAPPERS: Final = (
    "addEventListener, getRandomValues, location, monotonicDateNow, newWasmModule, patchedLoadLibData, wasmInstantiate"
)
PREAMBLE: Final = (
    f'import {{ {WRAPPERS} }} from "pyodide-internal:builtin_wrappers";\n'
    'const refuseToEvaluate = () => { throw new Error("workerd evaluates no text as code"); };\n'
)
EPILOGUE: Final = "\nexport { _createPyodideModule };\n"
"""workerd imports the factory by its name, Pyodide's own loader by default."""

_WORD: Final = 8
_INTERNAL: Final = 2
"""The Cap'n Proto enum value of a module that only the runtime itself may import."""
_SOURCE, _WASM, _DATA = 0, 1, 2
"""Which member of the union a module's content is."""
_MODULE_WORDS: Final = 5
"""Of one module in the list: one word of data, then pointers to name, content, declaration and compile cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Module:
    name: str
    kind: int
    content: bytes


def write_bundle(pyodide: Path, folder: Path) -> None:
    """Make the bundle in `folder`. Raises ValueError if this Pyodide lacks a place that must be redirected."""
    glue = redirected((pyodide / "pyodide.asm.mjs").read_text(encoding="utf-8"))
    modules = [
        _Module(name="pyodide.asm", kind=_SOURCE, content=glue.encode()),
        _Module(name="pyodide.asm.wasm", kind=_WASM, content=(pyodide / "pyodide.asm.wasm").read_bytes()),
        _Module(name="python_stdlib.zip", kind=_DATA, content=(pyodide / "python_stdlib.zip").read_bytes()),
    ]
    (folder / BUNDLE).write_bytes(_message(modules))


def redirected(glue: str) -> str:
    """The glue with every call of REDIRECTED going to workerd. Raises ValueError if one is not there."""
    for asked, answered in REDIRECTED.items():
        if asked not in glue:
            raise ValueError(f"pyodide.asm.mjs has no {asked!r}: REDIRECTED is for another version of Pyodide")
        glue = glue.replace(asked, answered)
    return PREAMBLE + glue + EPILOGUE


def _message(modules: list[_Module]) -> bytes:
    """One segment: pointer to the root, the root, the list's tag, its modules, then all names and contents."""
    heap_starts = 3 + _MODULE_WORDS * len(modules)
    table, heap = bytearray(), bytearray()
    for number, module in enumerate(modules):
        table += struct.pack("<HHI", _INTERNAL, module.kind, 0)
        name = f"pyodideRuntime-internal:{module.name}\0".encode()
        for place, body in enumerate((name, module.content), start=1):
            pointer = 3 + _MODULE_WORDS * number + place
            target = heap_starts + len(heap) // _WORD
            table += _pointer_to_bytes(target - pointer - 1, len(body))
            heap += body + bytes(-len(body) % _WORD)
        table += bytes(2 * _WORD)  # no declaration, no cache
    root = struct.pack("<IHH", 0, 0, 1)  # a struct without data and with one pointer follows at once
    to_modules = struct.pack("<II", 0 << 2 | 1, _MODULE_WORDS * len(modules) << 3 | 7)
    tag = struct.pack("<IHH", len(modules) << 2, 1, 4)
    segment = root + to_modules + tag + table + heap
    return struct.pack("<II", 0, len(segment) // _WORD) + segment


def _pointer_to_bytes(words_between: int, length: int) -> bytes:
    return struct.pack("<II", words_between << 2 | 1, length << 3 | 2)
