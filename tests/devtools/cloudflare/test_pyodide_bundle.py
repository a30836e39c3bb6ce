"""What workerd's interpreter is made of, where it cannot be downloaded."""

import struct
from pathlib import Path

import pytest

from devtools.cloudflare.pyodide_bundle import BUNDLE, REDIRECTED, redirected, write_bundle

GLUE = "; ".join(REDIRECTED) + "; export default _createPyodideModule;"


def test_what_a_runtime_forbids_is_asked_of_workerd_instead() -> None:
    glue = redirected(GLUE)

    assert glue.startswith("import { addEventListener")
    assert glue.endswith("export { _createPyodideModule };\n")
    for forbidden in ("new WebAssembly.Module", "Date.now", "eval("):
        assert forbidden not in glue


@pytest.mark.parametrize("asked", REDIRECTED)
def test_another_pyodide_than_this_was_made_for_is_told_by_what_it_lacks(asked: str) -> None:
    with pytest.raises(ValueError, match="another version of Pyodide"):
        redirected(GLUE.replace(asked, ""))


def test_every_module_is_found_again_in_the_message(tmp_path: Path) -> None:
    for name, content in (("asm.mjs", GLUE.encode()), ("asm.wasm", b"\0asm12345"), ("", b"PK")):
        (tmp_path / (f"pyodide.{name}" if name else "python_stdlib.zip")).write_bytes(content)

    write_bundle(tmp_path, tmp_path)

    found = modules((tmp_path / BUNDLE).read_bytes())
    assert found == [
        (2, 0, b"pyodideRuntime-internal:pyodide.asm\0", redirected(GLUE).encode()),
        (2, 1, b"pyodideRuntime-internal:pyodide.asm.wasm\0", b"\0asm12345"),
        (2, 2, b"pyodideRuntime-internal:python_stdlib.zip\0", b"PK"),
    ]


def modules(message: bytes) -> list[tuple[int, int, bytes, bytes]]:
    """Visibility, kind, name and content of each, read as Cap'n Proto's encoding is described."""
    segments, words = struct.unpack_from("<II", message)
    segment = message[8:]
    assert (segments, len(segment)) == (0, words * 8)

    def target(word: int) -> tuple[int, int]:
        """Where the list pointer in this word leads, and what it says of the list."""
        low, high = struct.unpack_from("<II", segment, word * 8)
        assert low & 3 == 1
        return word + 1 + (low >> 2), high

    def content(word: int) -> bytes:
        at, high = target(word)
        assert high & 7 == 2
        return segment[at * 8 : at * 8 + (high >> 3)]

    tag, _ = target(1)
    count, data, pointers = struct.unpack_from("<IHH", segment, tag * 8)
    found: list[tuple[int, int, bytes, bytes]] = []
    for number in range(count >> 2):
        at = tag + 1 + number * (data + pointers)
        visibility, kind = struct.unpack_from("<HH", segment, at * 8)
        found.append((visibility, kind, content(at + data), content(at + data + 1)))
    return found
