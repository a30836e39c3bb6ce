"""What a file is, by its content. Its name and MIME type are the customer's opinion."""

from itertools import chain

from editqueue.adapters.image_tools.formats.isobmff import brands
from editqueue.adapters.image_tools.formats.tiff import (
    COMPRESSION,
    MAKER,
    PHOTOMETRIC,
    SUB_DIRECTORIES,
    Directory,
    Tiff,
)
from editqueue.domain.errors import NotAPicture
from editqueue.ports.bucket import ByteSource

HEAD_BYTES = 4096
"""From the start: enough to tell, but for TIFFs whose first directory lies further on."""
_MAGIC = {
    b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"FUJIFILMCCD-RAW": "raf",
    b"IIRO": "orf", b"IIRS": "orf", b"MMOR": "orf", b"IIU\0": "rw2", b"\0MRM": "mrw", b"FOVb": "x3f",
    b"GIF87a": "gif", b"GIF89a": "gif", b"8BPS": "psd", b"\xff\x0a": "jxl", b"\0\0\0\x0cJXL \r\n\x87\n": "jxl",
    b"\0\0\0\x0cjP  \r\n\x87\n": "jp2", b"\xff\x4f\xff\x51": "jp2",
    b"II+\0": "tiff", b"MM\0+": "tiff",  # with offsets of 8 bytes
}  # fmt: skip
_PHASE_ONE = {b"IIII", b"MMMM"}
"""Behind the 8 bytes that a TIFF begins with."""
_CIFF = b"HEAPCCDR"
"""Behind the first 6 bytes of a CRW."""
_MAKERS = {
    b"NIKON": "nef", b"SONY": "arw", b"PENTAX": "pef", b"RICOH": "pef", b"SAMSUNG": "srw", b"CANON": "cr2",
    b"HASSELBLAD": "3fr", b"KODAK": "dcr", b"EASTMAN KODAK": "kdc", b"EPSON": "erf", b"SEIKO EPSON": "erf",
    b"MAMIYA": "mef", b"LEAF": "mos", b"PHASE ONE": "iiq",
}  # fmt: skip
_SENSOR_COLOURS = {32803, 34892}
"""Photometric interpretations: colour filter array, and linear raw."""
_SENSOR_COMPRESSIONS = {32767, 32769, 32770, 32867, 34316, 34713, 65000, 65535}
"""Of Sony, packed, of Samsung, Kodak, Panasonic, Nikon, Kodak, Pentax."""
_MOST_BELOW = 8
"""Sub-directories that are looked at for a sensor's picture."""
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_CLIPS = frozenset({
    b"qt  ", b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"XAVC", b"dash", b"3gp4", b"3gp5", b"3gp6",
    *(b"iso%c" % version for version in b"m23456789"),
})  # fmt: skip
_BEFORE_BRANDS = frozenset({b"moov", b"mdat", b"wide", b"skip", b"pnot"})
"""QuickTime files older than the `ftyp` box start with one of these."""
_DNG_VERSION = 0xC612
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}
"""Lengths of the header behind the first 14 bytes."""


def format_of(source: ByteSource) -> str:
    """The format, by a name of `WAYS` in render.py: `jpeg`, `cr2`, `mp4`.

    Reads 4 KiB from the start, and of a TIFF 4 KiB more of its first directory and of each below it. Camera raws are
    TIFFs by their first bytes and are looked for before TIFF: libvips opens a DNG as a 256-pixel TIFF and calls that
    success. What makes a raw is the picture of a sensor in it, not its maker's name: scanners have that, too.
    Raises NotAPicture for everything else.
    """
    head = source.read(0, HEAD_BYTES)
    if not head:
        raise NotAPicture("the file is empty")
    known = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    found = known or _by_brand(head) or _tiff_kind(source, head) or _by_later_bytes(head)
    if found is None:
        raise NotAPicture(f"the content is no picture or clip we know (starts with {head[:8]!r})")
    return found


def _by_brand(head: bytes) -> str | None:
    """RIFF and ISO base media files."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] in _BEFORE_BRANDS:
        return "mp4"
    said = brands(head)
    if said[:1] == (b"crx ",):
        return "cr3"
    for known, name in ((_AVIF, "avif"), (_HEIC, "heic"), (_CLIPS, "mp4")):
        if known.intersection(said):
            return name
    return None


def _by_later_bytes(head: bytes) -> str | None:
    if head[:2] in {b"II", b"MM"} and head[6:14] == _CIFF:
        return "crw"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return None


def _tiff_kind(source: ByteSource, head: bytes) -> str | None:
    if head[:4] not in {b"II*\0", b"MM\0*"}:
        return None
    if head[8:10] == b"CR":
        return "cr2"
    if head[8:12] in _PHASE_ONE:
        return "iiq"
    tiff = Tiff(source)
    first = tiff.directory(tiff.first)
    if _DNG_VERSION in first.entries:
        return "dng"
    below = (tiff.directory(at) for at in first.numbers(SUB_DIRECTORIES)[:_MOST_BELOW])
    if not any(_of_a_sensor(directory) for directory in chain([first], below)):
        return "tiff"
    maker = first.text(MAKER).upper()
    return next((kind for name, kind in _MAKERS.items() if maker.startswith(name)), "raw")


def _of_a_sensor(directory: Directory) -> bool:
    return directory.number(PHOTOMETRIC) in _SENSOR_COLOURS or directory.number(COMPRESSION) in _SENSOR_COMPRESSIONS
