"""The pictures in a HEIC: what is understood of them, and that nothing else does harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devtools.pictures.heifs import SRGB_FULL, SRGB_LIMITED, Shown, Stream, box, clap, full_box, heif_file, turned
from editqueue.adapters.image_tools.formats.coded_picture import Crop, HeifPictures
from editqueue.adapters.image_tools.formats.heif_pictures import heif_pictures

STREAM = Stream(configuration=b"configuration", body=b"stream of nothing", width=1600, height=1000)
TILE = Stream(configuration=b"configuration", body=b"tile", width=512, height=512)


def shown(width: int = 1600, height: int = 1000, *properties: bytes) -> Shown:
    stream = Stream(configuration=b"configuration", body=b"stream of nothing", width=width, height=height)
    return Shown(streams=[stream], width=width, height=height, properties=properties)


def grid(width: int = 1000, height: int = 600, *, tiles: int = 4) -> Shown:
    return Shown(streams=[TILE] * tiles, width=width, height=height, columns=2)


def read(body: bytes) -> HeifPictures | None:
    return heif_pictures(body, file_size=len(body))


def understood(body: bytes) -> HeifPictures:
    found = read(body)
    assert found is not None
    return found


def test_a_picture_tells_size_colours_and_where_its_stream_is() -> None:
    body = heif_file(shown(), colours=SRGB_LIMITED)

    main = understood(body).main

    [tile] = main.tiles
    [(start, length)] = tile.extents
    assert (main.width, main.height, main.shown_size) == (1600, 1000, (1600, 1000))
    assert (tile.kind, tile.configuration, body[start : start + length]) == (b"hvc1", b"configuration", STREAM.body)
    assert main.colours is not None
    assert (main.colours.primaries, main.colours.matrix, main.colours.full_range) == (1, 6, False)


def test_a_grid_has_rows_and_columns_of_tiles() -> None:
    main = understood(heif_file(grid())).main

    assert (main.width, main.height, main.columns, main.rows, len(main.tiles)) == (1000, 600, 2, 2, 4)


@pytest.mark.parametrize(("width", "height"), [(1025, 600), (1000, 1025), (512, 600), (1000, 500)])
def test_a_grid_whose_tiles_do_not_fit_is_not_understood(width: int, height: int) -> None:
    assert read(heif_file(grid(width, height))) is None


def test_crop_and_turns_come_in_the_order_of_the_file() -> None:
    cut = clap(800, 600, 100, 50, of=(1600, 1000))

    main = understood(heif_file(shown(1600, 1000, cut, turned(3), box(b"imir", b"\1")))).main

    assert main.crop == Crop(left=100, top=50, width=800, height=600)
    assert main.shown_size == (800, 600)
    assert main.turns == ((b"irot", 3), (b"imir", 1))


@pytest.mark.parametrize(
    "more",
    [
        clap(1700, 600, 0, 0, of=(1600, 1000)),
        turned(1) + clap(800, 600, 0, 0, of=(1600, 1000)),
        box(b"lsel", b"\0\0"),
        box(b"pasp", b"\0\0\0\1\0\0\0\2"),
    ],
    ids=["crop outside", "crop after a turn", "a layer of several", "pixels that are not square"],
)
def test_what_would_change_the_picture_otherwise_is_not_understood(more: bytes) -> None:
    first = more[: int.from_bytes(more[:4], "big")]
    properties = [first] if first == more else [first, more[len(first) :]]

    assert read(heif_file(shown(1600, 1000, *properties))) is None


def test_a_transparent_picture_is_not_understood() -> None:
    body = heif_file(shown(), shown(1600, 1000, full_box(b"auxC", b"urn:mpeg:hevc:2015:auxid:1\0")))

    assert read(body) is not None
    assert read(body.replace(b"thmb", b"auxl")) is None


def test_depth_and_gain_maps_are_left_alone() -> None:
    body = heif_file(shown(), shown(800, 500, full_box(b"auxC", b"urn:com:apple:photo:2020:aux:hdrgainmap\0")))

    assert read(body.replace(b"thmb", b"auxl")) is not None


def test_a_sequence_is_not_understood() -> None:
    body = heif_file(shown())

    assert read(body + box(b"moov", b"")) is None


def test_the_smallest_copy_that_is_large_enough_is_taken() -> None:
    found = understood(heif_file(shown(6000, 4000), shown(3000, 2000), shown(1500, 1000), shown(300, 200)))

    copy = found.small_copy(long_edge=1280)

    assert copy is not None
    assert copy.shown_size == (1500, 1000)


def test_a_copy_may_be_squeezed_a_little() -> None:
    """As Sony's cameras do."""
    assert understood(heif_file(shown(7008, 4672), shown(1616, 1080))).small_copy(long_edge=1280) is not None


@pytest.mark.parametrize(
    ("main", "copy"),
    [
        (shown(6000, 4000), shown(1279, 853)),
        (shown(6000, 4000), shown(1600, 900)),
        (shown(6000, 4000), shown(4000, 6000)),
        (shown(6000, 4000, turned(1)), shown(1500, 1000)),
        (shown(6000, 4000, turned(1)), shown(1500, 1000, turned(3))),
        (shown(6000, 4000), shown(1500, 1000, clap(1400, 933, 0, 0, of=(1500, 1000)))),
        (shown(1200, 800), shown(1500, 1000)),
        (shown(6000, 4000, clap(3000, 3000, 0, 0, of=(6000, 4000))), shown(1500, 1000)),
    ],
    ids=["small", "wide", "high", "not turned", "turned otherwise", "cropped", "larger than its main", "main cropped"],
)
def test_a_copy_that_shows_something_else_is_not_taken(main: Shown, copy: Shown) -> None:
    assert understood(heif_file(main, copy)).small_copy(long_edge=1280) is None


def test_a_copy_in_other_colours_is_not_taken() -> None:
    body = heif_file(shown(6000, 4000), shown(1500, 1000, box(b"colr", b"prof", b"a profile")))

    assert understood(body).small_copy(long_edge=1280) is None


def test_a_file_that_lacks_bytes_is_not_understood() -> None:
    body = heif_file(shown())

    assert heif_pictures(body, file_size=len(body) - 1) is None
    assert all(heif_pictures(body[:length], file_size=length) is None for length in range(len(body)))


SAMPLE = heif_file(grid(), shown(1500, 1000, turned(1)), colours=SRGB_FULL)


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_spoiled_bytes_never_raise(spoiled: list[tuple[int, int]]) -> None:
    body = bytearray(SAMPLE)
    for at, value in spoiled:
        body[at] = value

    found = heif_pictures(bytes(body), file_size=len(body))

    for picture in [] if found is None else [found.main, *found.thumbnails]:
        extents = [extent for tile in picture.tiles for extent in tile.extents]
        assert all(start + length <= len(body) for start, length in extents)
        assert sum(length for _, length in extents) <= len(body)
