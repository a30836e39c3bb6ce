"""docs/settings.md: one line for each setting, from the settings themselves. Generated, never edited.

python -m devtools.settings_page docs/settings.md
"""

import ast
import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from editqueue.setting_patterns import name_of
from editqueue.settings import Settings
from editqueue.settings.wording import FIELDS, kind_of

_OPENING: Final = """# Settings

<!-- Generated from src/editqueue/settings/model.py by `make settings-page`; do not edit. -->

All come from the environment, and nowhere else; an empty one counts as not given. What is wrong with them stops the
program at its start: all of it at once, each with the value it has and an example. An `EDITQUEUE_*` that is not in this
table is refused with the one that was probably meant; only `EDITQUEUE_TEST_*`, `EDITQUEUE_BENCH_*`, `EDITQUEUE_FUZZ_*`
(tests, benches and fuzzing of this project) and what Kubernetes tells its pods of a Service are left alone. `editqueue
doctor` tries what they lead to. A Cloudflare Worker reads some of them from its variables and secrets
(`deploy/cloudflare/wrangler.jsonc`).

| setting | value | default | meaning |
|---|---|---|---|
"""
_DEFAULT: Final = re.compile(r" ?Default: (?P<words>.+)\.$")


def settings_page() -> str:
    """The text of docs/settings.md. Raises ValueError for a setting that nothing is said of."""
    said = _docstrings()
    return _OPENING + "".join(_row(name, said) for name in FIELDS)


def _row(name: str, said: Mapping[str, str]) -> str:
    if name not in said:
        raise ValueError(f"{name} has no docstring; say in one what it means")
    field, meaning = FIELDS[name], said[name]
    given = _DEFAULT.search(meaning)
    default = given["words"] if given else "-" if field.default is None else f"`{_as_given(field.default)}`"
    cells = (f"`{name}`", kind_of(field), default, _DEFAULT.sub("", meaning))
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def _as_given(default: object) -> str:
    """As it would stand in the environment."""
    return (
        str(default).lower()
        if isinstance(default, bool)
        else f"./{default}"
        if isinstance(default, Path)
        else str(default)
    )


def _docstrings() -> Mapping[str, str]:
    """What is said of each field below it, by the setting's name."""
    [model] = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(model, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(model.body, model.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            found[name_of(field.target.id)] = " ".join(str(ast.literal_eval(below.value)).split())
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(settings_page(), encoding="utf-8")
