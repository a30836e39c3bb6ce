"""Every text of the page comes from de.json and en.json, and none lies there unused."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from editqueue.entrypoints.http.page_bundle import WEB_DIR
from tests.web.test_hearing import HEARD

ASSETS: Final = WEB_DIR / "review-assets"
SCRIPTS: Final = sorted(ASSETS.rglob("*.js"))
TABLES: Final[dict[str, dict[str, str]]] = {
    language: json.loads((ASSETS / f"{language}.json").read_text(encoding="utf-8")) for language in ("de", "en")
}
FAMILIES: Final = ("room.", "status.", "error.", "reason.", "filter.")
"""Keys whose second half is a word of the API, or the name of a filter."""
SENTENCES_OF_THE_API: Final = ASSETS / "data" / "reasons.js"
_COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`/])//[^\n]*", re.DOTALL)
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_PLACE = re.compile(r"\$\{[^}]*\}")
_LOOKS_WRITTEN = re.compile(r"[À-ɏ…„“]|[A-Z][a-z]+(?![a-z]*[A-Z:-])[ .!?,]|[a-z]{2,} (?:[a-z]{2,} ){2,}[a-z]{2,}")


def code_of(script: str) -> str:
    return _COMMENT.sub("", script)


def literals(script: str) -> Iterator[str]:
    for found in _LITERAL.finditer(code_of(script)):
        yield _PLACE.sub("", found[1] or found[2] or "").removeprefix("Bearer ")


def keys_used() -> set[str]:
    page = (WEB_DIR / "review.html").read_text(encoding="utf-8")
    used = set(re.findall(r'data-i18n(?:-[a-z-]+)?="([^"]+)"', page))
    for script in SCRIPTS:
        used |= {literal for literal in literals(script.read_text(encoding="utf-8")) if literal in TABLES["de"]}
        for key in re.findall(r'count\("([^"]+)"', script.read_text(encoding="utf-8")):
            used |= {f"{key}.one", f"{key}.other"}
    return used | {"approve.label", "revision.label", "remove.label"}  # made of an action and .label


def test_both_languages_have_every_text_with_the_same_places() -> None:
    german, english = (
        {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in TABLES[language].items() if text.strip()}
        for language in ("de", "en")
    )

    assert german == english
    assert german.keys() == TABLES["de"].keys()


def test_every_text_is_used_and_every_key_has_its_text() -> None:
    known = {key for key in TABLES["de"] if not key.startswith(FAMILIES)}
    used = {key for key in keys_used() if not key.startswith(FAMILIES)}

    assert used == known


@pytest.mark.parametrize("script", [one for one in SCRIPTS if one != SENTENCES_OF_THE_API], ids=lambda one: one.name)
def test_no_script_has_a_text_of_its_own(script: Path) -> None:
    assert [text for text in literals(script.read_text(encoding="utf-8")) if _LOOKS_WRITTEN.search(text)] == []


@pytest.mark.parametrize("text", ["Noch einmal.", "Bitte warten", "Größe", "there is no such thing", "Sorry, no"])
def test_a_text_in_a_script_would_be_found(text: str) -> None:
    [found] = literals(f'show("{text}"); // a comment')

    assert _LOOKS_WRITTEN.search(found)


def test_every_message_has_a_test_that_hears_it() -> None:
    of_an_action = {key for key in TABLES["de"] if re.search(r"(?<!status)\.(all_|un)?done\b", key)}
    said = {key for key in TABLES["de"] if key.startswith("error.")} | of_an_action | {"recovered"}
    assert said == HEARD
