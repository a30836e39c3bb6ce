"""What a file is, by its content. Its name and MIME type are the customer's opinion."""

from editqueue.adapters.image_tools.formats.isobmff import brands
from editqueue.adapters.image_tools.formats.tiff import DIRECTORY_BYTES, SUB_DIRECTORIES, Tiff
from editqueue.domain.errors import NotAPicture
from editqueue.ports.bucket import ByteSource

HEAD_BYTES = 4096
"""From the start: enough to tell, but for TIFFs whose first directory lies further on."""
_MAGIC = {
    b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"FUJIFILMCCD-RAW": "raf",
    b"IIRO": "orf", b"IIRS": "orf", b"MMOR": "orf", b"IIU\0": "rw2",
    b"II+\0": "tiff", b"MM\0+": "tiff",  # with offsets of 8 bytes
}  # fmt: skip
_RAW_TIFF_MAKERS = {
    b"NIKON": "nef", b"SONY": "arw", b"PENTAX": "pef", b"RICOH": "pef", b"SAMSUNG": "srw", b"Canon": "cr2",
}  # fmt: skip
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})
_CLIPS = frozenset({
    b"qt  ", b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"XAVC", b"dash", b"3gp4", b"3gp5", b"3gp6",
    *(b"iso%c" % version for version in b"m23456789"),
})  # fmt: skip
_BEFORE_BRANDS = frozenset({b"moov", b"mdat", b"wide", b"skip", b"pnot"})
"""QuickTime files older than the `ftyp` box start with one of these."""
_DNG_VERSION = 0xC612


def format_of(source: ByteSource) -> str:
    """The format: `jpeg png webp tiff avif heic dng cr2 cr3 nef arw raf orf rw2 pef srw mp4`.

    Reads 4 KiB from the start, and of a TIFF 4 KiB more from its first directory on. Camera raws are TIFFs by their
    first bytes and are looked for before TIFF: libvips opens a DNG as a 256-pixel TIFF and calls that success.
    Raises NotAPicture for everything else.
    """
    head = source.read(0, HEAD_BYTES)
    if not head:
        raise NotAPicture("the file is empty")
    known = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    found = known or _by_brand(head) or _tiff_kind(source, head)
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


def _tiff_kind(source: ByteSource, head: bytes) -> str | None:
    if head[:4] not in {b"II*\0", b"MM\0*"}:
        return None
    if head[8:10] == b"CR":
        return "cr2"
    tiff = Tiff(source)
    tags = tiff.directory(tiff.first).entries.keys()
    if _DNG_VERSION in tags:
        return "dng"
    if SUB_DIRECTORIES not in tags:  # raws of these makers have some; their scanners' and editors' TIFFs have none
        return "tiff"
    near = head + tiff.read(tiff.first, DIRECTORY_BYTES)
    return next((kind for maker, kind in _RAW_TIFF_MAKERS.items() if maker in near), "tiff")
