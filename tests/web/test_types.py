"""The types that the page is checked with are those of the API, and no type of ui/ gets into data/."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel

from editqueue.domain.files import FileStatus, NotificationType
from editqueue.domain.jobs import JobStatus
from editqueue.entrypoints.http import problems, schemas
from editqueue.entrypoints.http.page_bundle import WEB_DIR

DATA: Final = WEB_DIR / "review-assets" / "data"
TYPES: Final = (DATA / "types.js").read_text(encoding="utf-8")
OBJECTS: Final[dict[str, str]] = dict(re.findall(r"@typedef \{object\} (\w+)\n((?: \* @property .*\n)+)", TYPES))
WORDS: Final = {"string": "string", "integer": "number", "boolean": "boolean", "null": "null"}


def as_typed(schema: dict[str, Any]) -> str:
    """The JSDoc type of what a JSON schema describes."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return "true" if schema["const"] is True else f'"{schema["const"]}"'
    if "anyOf" in schema:
        return " | ".join(as_typed(option) for option in schema["anyOf"])
    if schema["type"] == "array":
        return f"{as_typed(schema['items'])}[]"
    if schema["type"] == "object":
        return f"Record<string, {as_typed(schema['additionalProperties'])}>"
    return WORDS[schema["type"]]


@pytest.mark.parametrize("name", OBJECTS)
def test_an_answer_has_the_fields_that_the_api_sends(name: str) -> None:
    model: type[BaseModel] = getattr(problems if name == "Problem" else schemas, name)
    sent = model.model_json_schema(mode="serialization")["properties"]

    fields = {field: kind for kind, field in re.findall(r"@property \{(.+?)\} \[?(\w+)", OBJECTS[name])}
    assert fields == {field: as_typed(schema) for field, schema in sent.items()}


@pytest.mark.parametrize("words", [FileStatus, JobStatus, NotificationType])
def test_the_words_of_the_api_are_all_known(words: type[StrEnum]) -> None:
    [alternatives] = re.findall(rf"@typedef \{{(.+)\}} {words.__name__} ", TYPES)

    assert alternatives.split(" | ") == [f'"{word}"' for word in words]


@pytest.mark.parametrize("script", sorted(DATA.glob("*.js")), ids=lambda script: script.name)
def test_data_takes_no_type_from_ui_either(script: Path) -> None:
    """Biome keeps the imports; it does not read comments."""
    assert "/ui/" not in script.read_text(encoding="utf-8")
