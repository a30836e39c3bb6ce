"""What a client tells of a photo's EXIF: kept as it came, never read."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Final, cast

from pydantic import Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

MOST_BYTES: Final = 64 * 1024
"""As it is stored. A JPEG has room for 65,533 bytes of EXIF."""
Scalar = str | int | Annotated[float, Field(allow_inf_nan=False)] | bool | None
Values = dict[str, Scalar | list[Scalar]]


def as_stored(meta: Values) -> str:
    return json.dumps(meta, ensure_ascii=False, separators=(",", ":"))


def _checked(meta: object) -> Values:
    """Stops at the first bad value: pydantic's own union makes an error of each, once for every type it tries."""
    if not isinstance(meta, dict):
        raise PydanticCustomError("dict_type", "Input should be an object")
    values = cast("Values", meta)
    _check_size(values)
    bad = next(_bad_places(values), None)
    if bad is not None:
        kind = PydanticCustomError(
            "exif_value", "Input should be a text, a finite number, a boolean or null, alone or in a list"
        )
        raise ValidationError.from_exception_data("exif_meta", [{"type": kind, "loc": bad, "input": None}])
    return values


def _check_size(values: Values) -> None:
    try:
        size = len(as_stored(values).encode())
    except UnicodeEncodeError as error:
        raise PydanticCustomError("string_unicode", "Input holds half of a surrogate pair, which is no text") from error
    if size > MOST_BYTES:
        raise PydanticCustomError(
            "exif_size", "Input is {size} bytes of JSON, over the limit of {most}", {"size": size, "most": MOST_BYTES}
        )


def _bad_places(values: Values) -> Iterator[tuple[str | int, ...]]:
    for name, value in values.items():
        if isinstance(value, list):
            yield from ((name, index) for index, one in enumerate(value) if not _is_scalar(one))
        elif not _is_scalar(value):
            yield (name,)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | None) or (isinstance(value, float) and math.isfinite(value))


ExifMeta = Annotated[
    Values,
    PlainValidator(
        _checked,
        json_schema_input_type=Annotated[
            Values, Field(description=f"At most {MOST_BYTES} bytes as compact JSON in UTF-8.")
        ],
    ),
]
