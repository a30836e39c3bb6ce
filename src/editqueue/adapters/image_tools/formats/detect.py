"""What a file is, by its content. Its name and MIME type are the customer's opinion."""

from editqueue.domain.errors import NotAPicture
from editqueue.ports.bucket import ByteSource

HEAD = 4096
"""Bytes from the start that are enough to tell."""
_RAW_TIFF_MAKERS = {
    b"NIKON": "nef", b"SONY": "arw", b"PENTAX": "pef", b"RICOH": "pef", b"SAMSUNG": "srw", b"Canon": "cr2",
}  # fmt: skip
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_CLIPS = frozenset(
    {
        b"qt  ",
        b"mp41",
        b"mp42",
        b"avc1",
        b"M4V ",
        b"M4VH",
        b"M4VP",
        b"MSNV",
        b"XAVC",
        b"dash",
        b"3gp4",
        b"3gp5",
        b"3gp6",
    }
    | {b"iso%c" % number for number in b"m23456789"}
)
_BEFORE_BRANDS = frozenset({b"moov", b"mdat", b"wide", b"skip", b"pnot"})
"""QuickTime files older than the `ftyp` box start with one of these."""
DNG_VERSION_TAG = 0xC612
SUB_DIRECTORIES_TAG = 0x014A
FULL_DIRECTORY = 2 + 12 * 128
"""Bytes of a directory larger than any camera writes."""


def format_of(source: ByteSource) -> str:
    """As `detect` says it of `source`, of which this reads 4 or 8 KiB. Raises NotAPicture."""
    head = source.read(0, HEAD)
    far = far_directory(head)
    return detect(head, source.read(far, HEAD) if far is not None else b"")


def far_directory(head: bytes) -> int | None:
    """Where the first directory of a TIFF starts, when that is not within `head`; its tags tell what it is."""
    if head[:4] not in {b"II*\x00", b"MM\x00*"}:
        return None
    start = int.from_bytes(head[4:8], "little" if head[:2] == b"II" else "big")
    return start if start + FULL_DIRECTORY > len(head) else None


def detect(head: bytes, directory: bytes = b"") -> str:
    """The format: `jpeg png webp tiff avif heic dng cr2 cr3 nef arw raf orf rw2 pef srw mp4`.

    Camera raws are TIFFs by their first bytes and are looked for before TIFF: libvips opens a DNG as a
    256-pixel TIFF and calls that success. `directory` are the bytes from `far_directory` on.
    Raises NotAPicture for everything else.
    """
    if not head:
        raise NotAPicture("the file is empty")
    found = _by_magic(head) or _by_brand(head) or _tiff_kind(head, directory)
    if found is None:
        raise NotAPicture(f"the content is no picture or clip we know (starts with {head[:8]!r})")
    return found


def _by_magic(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"FUJIFILMCCD-RAW"):
        return "raf"
    return None


def _by_brand(head: bytes) -> str | None:
    """ISO base media: the brands in the `ftyp` box."""
    if head[4:8] in _BEFORE_BRANDS:
        return "mp4"
    if head[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length, 4))]
    if brands[0] == b"crx ":
        return "cr3"
    for known, name in ((_AVIF, "avif"), (_HEIC, "heic"), (_CLIPS, "mp4")):
        if known.intersection(brands):
            return name
    return None


def _tiff_kind(head: bytes, directory: bytes) -> str | None:
    if head[:4] in {b"IIRO", b"IIRS", b"MMOR"}:
        return "orf"
    if head[:4] == b"IIU\x00":
        return "rw2"
    if head[:4] not in {b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"}:
        return None
    if head[8:10] == b"CR":
        return "cr2"
    tags = _tags(head, directory)
    if DNG_VERSION_TAG in tags:
        return "dng"
    return _maker(head + directory, tags) or "tiff"


def _tags(head: bytes, directory: bytes) -> frozenset[int]:
    order = "little" if head[:2] == b"II" else "big"
    near = directory or head[int.from_bytes(head[4:8], order) :]
    count = int.from_bytes(near[:2], order)
    entries = range(2, min(2 + 12 * count, len(near) - 1), 12)
    return frozenset(int.from_bytes(near[at : at + 2], order) for at in entries)


def _maker(head: bytes, tags: frozenset[int]) -> str | None:
    """Raws of these makers are TIFFs with a sub-IFD; their scanners' and editors' TIFFs have none."""
    if SUB_DIRECTORIES_TAG not in tags:
        return None
    return next((kind for maker, kind in _RAW_TIFF_MAKERS.items() if maker in head), None)
