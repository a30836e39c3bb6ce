"""What a file is, by its content and for few bytes of it."""

import pytest

from devtools.pictures.raws import cr2, dng, made_by, preview, sensor
from devtools.pictures.samples import dng_like, encoded, scene
from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.camera_raw import RAW_KINDS
from editqueue.adapters.image_tools.formats.detect import format_of
from editqueue.adapters.image_tools.render import WAYS
from editqueue.domain.errors import NotAPicture
from tests.fuzz.seeds import make_seeds

JPEG = encoded(scene(64, 40))
MAKERS = {
    "nef": b"NIKON", "arw": b"SONY", "pef": b"PENTAX", "srw": b"SAMSUNG", "3fr": b"Hasselblad", "dcr": b"Kodak",
    "kdc": b"EASTMAN KODAK", "erf": b"SEIKO EPSON", "mef": b"Mamiya", "mos": b"Leaf", "raw": b"Nobody",
}  # fmt: skip


SEEDS = make_seeds()
CALLED = {"hif": "heic", "mov": "mp4"}
"""Seeds that are called otherwise than their format."""


def kind(body: bytes) -> str:
    return format_of(BytesSource(body))


@pytest.mark.parametrize("name", SEEDS)
def test_a_sound_file_of_every_kind_is_told_as_what_it_is(name: str) -> None:
    called = name.partition("-")[0]
    assert kind(SEEDS[name]) == CALLED.get(called, called)


def test_of_every_format_but_some_camera_raws_there_is_a_sound_file() -> None:
    assert WAYS.keys() - {kind(body) for body in SEEDS.values()} <= RAW_KINDS


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_pictures_are_told_by_their_first_bytes(name: str) -> None:
    assert kind(encoded(scene(80, 60), name)) == name.lower()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "cr3"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "avif"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "mp4"),
        (b"\0\0\0\x08wide", "mp4"),
        (b"II*\0\x10\0\0\0CR\x02\0", "cr2"),
        (b"FUJIFILMCCD-RAW 0201", "raf"),
        (b"IIRO\x08\0\0\0", "orf"),
        (b"IIU\0\x18\0\0\0", "rw2"),
        (b"II+\0\x08\0\0\0", "tiff"),
        (b"II*\0\x08\0\0\0IIIICwaR", "iiq"),
        (b"II\x1a\0\0\0HEAPCCDR\x02\0", "crw"),
        (b"\0MRM\0\0\x0a\x0c", "mrw"),
        (b"FOVb\0\0\x02\0", "x3f"),
        (b"GIF89a", "gif"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "bmp"),
        (b"8BPS\0\1", "psd"),
        (b"\xff\x0a", "jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
        (b"\xff\x4f\xff\x51", "jp2"),
    ],
)
def test_cameras_and_clips_are_told_by_theirs(head: bytes, name: str) -> None:
    assert kind(head + bytes(100)) == name


@pytest.mark.parametrize("padding", [0, 300_000], ids=["near", "far"])
@pytest.mark.parametrize(("name", "maker"), MAKERS.items())
def test_raws_built_like_tiffs_are_told_by_their_maker(name: str, maker: bytes, padding: int) -> None:
    assert kind(dng(preview(JPEG), sensor(16, 16), of=made_by(maker), padding=padding)) == name


@pytest.mark.parametrize("directory_at_end", [False, True])
def test_a_dng_is_never_taken_for_a_tiff(directory_at_end: bool) -> None:
    assert kind(dng_like(directory_at_end=directory_at_end)) == "dng"


@pytest.mark.parametrize("maker", MAKERS.values())
def test_a_scanner_of_a_maker_of_cameras_makes_tiffs(maker: bytes) -> None:
    assert kind(dng(preview(JPEG), of=made_by(maker))) == "tiff"


def test_a_raw_whose_sensor_is_in_its_first_directory_is_told_by_that() -> None:
    assert kind(dng(of=(*made_by(b"PENTAX"), (0x103, 3, (65_535,))))) == "pef"


def test_a_tiff_of_an_editor_that_names_a_maker_stays_a_tiff() -> None:
    assert kind(encoded(scene(80, 60), "TIFF", description="NIKON scanner")) == "tiff"


@pytest.mark.parametrize("body", [b"", b"no picture", b"BM is no picture, either", b"%PDF-1.7", bytes(5000)])
def test_everything_else_is_no_picture(body: bytes) -> None:
    with pytest.raises(NotAPicture):
        kind(body)


@pytest.mark.parametrize("body", [cr2(JPEG), dng(preview(JPEG), padding=20_000_000)], ids=["near", "far"])
def test_few_bytes_are_enough(body: bytes) -> None:
    source = BytesSource(body)

    format_of(source)

    assert source.bytes_read <= 3 * 4096


@pytest.mark.parametrize("start", [0, 3, 8, 100, 0xFFFFFFFF])
def test_a_tiff_whose_directory_is_rubbish_is_one_all_the_same(start: int) -> None:
    assert kind(b"II*\0" + start.to_bytes(4, "little") + b"\xff" * 90) == "tiff"
