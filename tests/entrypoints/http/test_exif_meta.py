"""Whatever comes as `exif_meta` costs little, and is kept as it came."""

import pytest
from pydantic import ValidationError

from editqueue.entrypoints.http.exif_meta import MOST_BYTES, as_stored
from editqueue.entrypoints.http.schemas import UploadFinalize

FULL = "ä" * ((MOST_BYTES - len('{"a":""}')) // 2)

BAD: list[tuple[object, tuple[str | int, ...], str]] = [
    ([1], (), "an object"),
    ({"a": {"b": 1}}, ("a",), "alone or in a list"),
    ({"a": [1, {}, {}]}, ("a", 1), "alone or in a list"),
    ({"a": [[1]]}, ("a", 0), "alone or in a list"),
    ({"a": float("nan")}, ("a",), "a finite number"),
    ({"a": [float("inf")]}, ("a", 0), "a finite number"),
    ({"a": "\ud800"}, (), "surrogate"),
    ({"\ud800": 1}, (), "surrogate"),
    ({"a": f"{FULL}x"}, (), "65537 bytes of JSON, over the limit of 65536"),
    ({"a": [{}] * 20_000}, ("a", 0), "alone or in a list"),
    ({str(number): {} for number in range(5_000)}, ("0",), "alone or in a list"),
    ({"a": [{}] * 300_000}, (), "over the limit"),
]


def finalized(meta: object) -> UploadFinalize:
    return UploadFinalize.model_validate({"object_key": "k", "bytes": 1, "exif_meta": meta})


@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {"": ""},
        {"lens": ["a", 1.5, -1, True, None], "iso": 100, "f": 2.8, "flash": False, "gps": None, "Küche": "Licht 🏠"},
        {"a": FULL},
    ],
)
def test_it_stays_as_it_came(meta: object) -> None:
    assert finalized(meta).exif_meta == meta


def test_it_is_stored_as_text_that_people_can_read() -> None:
    assert as_stored({"raum": "Küche", "iso": [100, None]}) == '{"raum":"Küche","iso":[100,null]}'


@pytest.mark.parametrize(("meta", "place", "said"), BAD)
def test_the_first_bad_value_is_the_only_one_that_is_told(
    meta: object, place: tuple[str | int, ...], said: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        finalized(meta)

    [error] = raised.value.errors()
    assert error["loc"] == ("exif_meta", *place)
    assert said in error["msg"]
