"""Takes the private parts out of a JPEG without decoding it."""

from editqueue.domain.errors import BrokenPicture

_KEPT = frozenset({0xE0, 0xE2, 0xEE})
"""JFIF, colour profile, Adobe's colour transform: without them the colours would change."""
_START_OF_SCAN = 0xDA


def without_metadata(jpeg: bytes) -> bytes:
    """The same picture without EXIF, GPS, XMP, IPTC and comments. Raises BrokenPicture for what is no JPEG."""
    if jpeg[:2] != b"\xff\xd8":
        raise BrokenPicture("the preview that was made is no jpeg")
    kept, at = [jpeg[:2]], 2
    while jpeg[at : at + 1] == b"\xff" and at + 4 <= len(jpeg):
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            return b"".join([*kept, jpeg[at:]])
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in _KEPT:
            kept.append(jpeg[at:end])
        at = end
    raise BrokenPicture("the preview that was made has no picture in it")
