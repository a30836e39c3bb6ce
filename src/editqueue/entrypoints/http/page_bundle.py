"""The review page in few files: one script and one style sheet, named by what is in them.

On a slow line each file of its own costs a round trip, and HTTP/1.1 has six at a time; a name that changes with the
content may be kept for a year. `python -m editqueue.entrypoints.http.page_bundle FOLDER` writes it for a static host.
"""

import hashlib
import posixpath
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WEB_DIR: Final = Path(__file__).parents[2] / "web"
ASSETS: Final = "review-assets"
FOREVER: Final = "public, max-age=31536000, immutable"
_START: Final = "main.js"
_KEPT: Final = (".json", ".svg")
_UNVERSIONED: Final = "config.json"
"""Whoever installs the page edits it: it is asked for again each time."""

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async function|function|const|class) (\w+))", re.MULTILINE)
_LEFT: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_STYLE: Final = re.compile(rf'  <link rel="stylesheet" href="/{ASSETS}/([^"]+)"(?: media="(\w+)")?>\n')
_PRELOADED: Final = re.compile(r'  <link rel="modulepreload"[^>]*>\n')


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """`files` by name; they lie under `/review-assets/{version}/`, where `html` asks for them."""

    version: str
    html: str
    files: Mapping[str, bytes]


def bundle(folder: Path) -> Bundle:
    """The page of this folder. Raises FileNotFoundError without it, ValueError for a script it cannot join."""
    html = (folder / "review.html").read_text(encoding="utf-8")
    assets = folder / ASSETS
    files = {
        "page.js": _script(assets).encode(),
        "page.css": _style_sheet(assets, html).encode(),
        **{one.name: one.read_bytes() for one in sorted(assets.iterdir()) if one.suffix in _KEPT},
    }
    del files[_UNVERSIONED]
    version = hashlib.sha256(b"\0".join([html.encode(), *files.values()])).hexdigest()[:12]
    return Bundle(version=version, html=_page(html, version), files=files)


def _script(assets: Path) -> str:
    """Every module that the first one reaches, each after those it imports, in a scope of its own."""
    names: dict[str, str] = {}
    parts: list[str] = []

    def add(path: str) -> None:
        if path in names:
            return
        text = (assets / path).read_text(encoding="utf-8")
        for _, source in _IMPORT.findall(text):
            add(_beside(path, source))
        names[path] = f"$m{len(names)}"
        parts.append(_scoped(path, text, names))

    add(_START)
    return "".join(parts)


def _scoped(path: str, text: str, names: Mapping[str, str]) -> str:
    def imported(found: re.Match[str]) -> str:
        return f"const {{{found[1].replace(' as ', ': ')}}} = {names[_beside(path, found[2])]};\n"

    exports = _EXPORT.findall(text)
    body = _COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub(imported, text)))
    if left := _LEFT.search(body):
        raise ValueError(f"{path} cannot be joined with the others: {left[0]}")
    return f"const {names[path]} = (() => {{\n{body}return {{ {', '.join(exports)} }};\n}})();\n"


def _beside(path: str, source: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), source))


def _style_sheet(assets: Path, html: str) -> str:
    sheets = [(media, (assets / name).read_text(encoding="utf-8")) for name, media in _STYLE.findall(html)]
    return "".join(f"@media {media} {{\n{sheet}}}\n" if media else sheet for media, sheet in sheets)


def _page(html: str, version: str) -> str:
    whole = _PRELOADED.sub("", _STYLE.sub("", html))
    style = f'  <link rel="stylesheet" href="/{ASSETS}/page.css">\n'
    whole = whole.replace("</head>", f"{style}</head>").replace(f"/{ASSETS}/{_START}", f"/{ASSETS}/page.js")
    versioned = whole.replace(f'"/{ASSETS}', f'"/{ASSETS}/{version}')
    return versioned.replace(f"/{ASSETS}/{version}/{_UNVERSIONED}", f"/{ASSETS}/{_UNVERSIONED}")


def write(target: Path, source: Path = WEB_DIR) -> Bundle:
    """Replace the folder `target` by the page as a static host serves it.

    Raises what `bundle` raises, FileExistsError for a folder that holds something else, OSError.
    """
    made = bundle(source)
    if target.exists() and not (target / "review.html").is_file():
        raise FileExistsError(f"{target} is there and holds no review page; name another folder")
    shutil.rmtree(target, ignore_errors=True)
    versioned = target / ASSETS / made.version
    versioned.mkdir(parents=True)
    for name, body in made.files.items():
        (versioned / name).write_bytes(body)
    (target / "review.html").write_text(made.html, encoding="utf-8")
    shutil.copy(source / ASSETS / _UNVERSIONED, target / ASSETS)
    shutil.copy(source / "_redirects", target)
    headers = (source / "_headers").read_text(encoding="utf-8")
    kept = f"/{ASSETS}/{made.version}/*\n  ! Cache-Control\n  Cache-Control: {FOREVER}\n"
    (target / "_headers").write_text(headers + kept, encoding="utf-8")
    return made


if __name__ == "__main__":
    write(Path(sys.argv[1]))
