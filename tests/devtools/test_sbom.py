"""The bill of materials is of the lock file, sound, and up to date."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.markers import default_environment

from devtools import sbom as generator
from devtools.sbom import sbom

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "editqueue.cdx.json"
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROSE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
COPYLEFT = re.compile(r"\b(?:A?GPL|LGPL|MPL)-")


def components() -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(FILE.read_text(encoding="utf-8"))["components"])


def licences(component: dict[str, Any]) -> list[str]:
    return [one["expression"] if "expression" in one else one["license"]["id"] for one in component["licenses"]]


def test_the_file_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == sbom(), "make sbom"


def test_it_is_valid_cyclonedx() -> None:
    flaw = JsonStrictValidator(SchemaVersion.V1_6).validate_str(FILE.read_text(encoding="utf-8"))

    assert flaw is None, flaw


def test_it_has_every_version_and_every_hash_of_the_lock_and_no_other() -> None:
    found = components()

    assert [f"{one['name']}=={one['version']}" for one in found] == re.findall(r"^\S+==\S+", LOCK, re.MULTILINE)
    hashes = [file["content"] for one in found for ref in one["externalReferences"] for file in ref["hashes"]]
    assert sorted(hashes) == sorted(re.findall("sha256:([0-9a-f]{64})", LOCK))


def test_each_has_a_licence_in_words_of_spdx() -> None:
    assert {one["name"]: licences(one) for one in components() if not licences(one)} == {}
    assert "BSD-3-Clause" in {licence for one in components() for licence in licences(one)}


def test_what_is_needed_always_and_what_for_extras_only_is_told_apart() -> None:
    scope = {one["name"]: one["scope"] for one in components()}

    assert {scope[name] for name in ("fastapi", "starlette", "greenlet", "psycopg-binary", "cffi")} == {"required"}
    assert {scope[name] for name in ("pillow", "pillow-heif", "numpy", "rawpy", "av")} == {"optional"}


def test_it_is_the_same_on_every_python_and_system(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = default_environment() | {"python_version": "3.14", "python_full_version": "3.14.0", "os_name": "nt"}
    monkeypatch.setattr("packaging.markers.default_environment", lambda: {**elsewhere, "sys_platform": "win32"})

    assert sbom() == FILE.read_text(encoding="utf-8")


def test_wheels_with_an_encoder_under_the_gpl_are_not_passed_off_as_bsd() -> None:
    under_gpl = {one["name"] for one in components() if any(text.startswith("GPL-") for text in licences(one))}

    assert under_gpl == {"av", "pillow-heif", "pillow-jxl-plugin"}


def test_the_page_on_licences_names_whatever_is_not_simply_permissive() -> None:
    found = {one["name"] for one in components() if any(COPYLEFT.search(text) for text in licences(one))}

    assert len(found) >= 7
    assert {name for name in found if name not in PROSE} == set()


def test_a_package_whose_licence_nothing_says_stops_it_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "_OTHER_SYSTEMS", {})

    with pytest.raises(ValueError, match="colorama is locked, but nothing says its licence: install it"):
        sbom()


def test_a_licence_in_words_that_spdx_does_not_know_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "_IN_SPDX", {})

    with pytest.raises(ValueError, match="add it to _IN_SPDX"):
        sbom()
