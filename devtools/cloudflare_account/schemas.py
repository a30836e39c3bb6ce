"""Checks a body against Cloudflare's published schema: the types that the official SDK generates from its OpenAPI file.

Strict both ways: a key that the schema does not know is as wrong as one that it misses.
"""

import collections.abc
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Required, Union, cast, get_args, get_origin

from cloudflare._utils import PropertyInfo  # pyright: ignore[reportPrivateUsage]  # the alias of a key is kept there
from typing_extensions import get_type_hints, is_typeddict

LISTS = {list, collections.abc.Iterable, collections.abc.Sequence}
JSON_TYPES: Mapping[Any, Any] = {float: (int, float), datetime: str}
"""What JSON holds where Python has another type."""


def faults(value: object, schema: Any, *, outside: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong with `value`, each with the way to it. `outside` names keys that travel in the path or a header."""
    return [*_faults(value, schema, "body", outside)]


def _faults(value: object, schema: Any, way: str, outside: frozenset[str] = frozenset()) -> Iterator[str]:
    origin, parts = get_origin(schema), get_args(schema)
    if origin in {Annotated, Required}:
        return _faults(value, parts[0], way, outside)
    if origin in {Union, types.UnionType}:
        return _of_union(value, parts, way, outside)
    if is_typeddict(schema):
        return _of_object(value, schema, way, outside)
    if origin is dict:
        return _of_dict(value, parts[1], way)
    if origin in LISTS:
        return _of_list(value, parts[0], way)
    return _of_plain(value, schema, way)


def _of_plain(value: object, schema: Any, way: str) -> Iterator[str]:
    if get_origin(schema) is Literal:
        if value not in get_args(schema):
            yield f"{way} is {value!r}, and one of {', '.join(map(repr, get_args(schema)))} is wanted"
    elif not _is_plain(value, schema):
        yield f"{way} is {value!r}, and {getattr(schema, '__name__', schema)} is wanted"


def _of_union(value: object, choices: tuple[Any, ...], way: str, outside: frozenset[str]) -> Iterator[str]:
    """Nothing if one of the choices fits, otherwise what the closest one finds wrong."""
    found = [[*_faults(value, choice, way, outside)] for choice in choices]
    if all(found):
        yield from min(found, key=len)


def _of_object(value: object, schema: Any, way: str, outside: frozenset[str]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{way} is {value!r}, and an object is wanted"
        return
    given = cast("dict[str, object]", value)
    known = {
        _alias(hint) or name: hint
        for name, hint in get_type_hints(schema, include_extras=True).items()
        if name not in outside
    }
    yield from (f"{way}.{name} is not in the schema" for name in given if name not in known)
    yield from (
        f"{way}.{name} is missing" for name, hint in known.items() if name not in given and get_origin(hint) is Required
    )
    for name, hint in known.items():
        if name in given:
            yield from _faults(given[name], hint, f"{way}.{name}")


def _alias(hint: Any) -> str | None:
    inner = get_args(hint)[0] if get_origin(hint) is Required else hint
    extras = get_args(inner)[1:] if get_origin(inner) is Annotated else ()
    return next((extra.alias for extra in extras if isinstance(extra, PropertyInfo)), None)


def _of_dict(value: object, item: Any, way: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{way} is {value!r}, and an object is wanted"
        return
    for name, held in cast("Mapping[str, object]", value).items():
        yield from _faults(held, item, f"{way}.{name}")


def _of_list(value: object, item: Any, way: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{way} is {value!r}, and a list is wanted"
        return
    for number, held in enumerate(cast("list[object]", value)):
        yield from _faults(held, item, f"{way}[{number}]")


def _is_plain(value: object, schema: Any) -> bool:
    if schema is Any or schema is object:
        return True
    if isinstance(value, bool):
        return schema is bool
    return isinstance(value, JSON_TYPES.get(schema, schema))
