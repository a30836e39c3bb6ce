"""Camera raws made by hand: the shapes of the real ones, as small as they go."""

import struct
from dataclasses import dataclass

from editqueue.adapters.image_tools.formats.camera_raw import CANON_UUID, PREVIEW_UUID

LONG, SHORT, BYTE = 4, 3, 1
Entry = tuple[int, int, tuple[int, ...]]
"""Tag, type and values."""


@dataclass(frozen=True, kw_only=True)
class Directory:
    entries: tuple[Entry, ...]
    jpeg: bytes = b""
    """Put where StripOffsets (0x111) says."""


def preview(jpeg: bytes) -> Directory:
    return Directory(entries=((0xFE, LONG, (1,)), (0x103, SHORT, (7,)), (0x117, LONG, (len(jpeg),))), jpeg=jpeg)


def sensor(width: int, height: int, *, level: int = 20_000) -> Directory:
    """A grey Bayer picture of 16 bits."""
    pixels = struct.pack("<H", level) * (width * height)
    entries = (
        (0xFE, LONG, (0,)), (0x100, LONG, (width,)), (0x101, LONG, (height,)), (0x102, SHORT, (16,)),
        (0x103, SHORT, (1,)), (0x106, SHORT, (32803,)), (0x115, SHORT, (1,)), (0x116, LONG, (height,)),
        (0x117, LONG, (len(pixels),)), (0x828D, SHORT, (2, 2)), (0x828E, BYTE, (0, 1, 1, 2)),
    )  # fmt: skip
    return Directory(entries=entries, jpeg=pixels)


DNG = ((0xC612, BYTE, (1, 4, 0, 0)),)


def made_by(maker: bytes) -> tuple[Entry, ...]:
    """What a NEF, ARW, PEF or SRW says of its camera."""
    return ((0x10F, BYTE, tuple(maker.ljust(8, b"\0"))),)


def dng(*below: Directory, orientation: int = 1, padding: int = 0, of: tuple[Entry, ...] = DNG) -> bytes:
    """A DNG, or what `of` makes of it: `padding` bytes, then what `below` holds, then the directories."""
    body = b"II*\0" + bytes(4) + bytes(padding)
    places: list[int] = []
    for directory in below:
        places.append(len(body))
        body += directory.jpeg + bytes(len(directory.jpeg) % 2)
    starts: list[int] = []
    for directory, place in zip(below, places, strict=True):
        starts.append(len(body))
        body += _directory((*directory.entries, (0x111, LONG, (place,))), len(body))
    first: tuple[Entry, ...] = (
        (0x112, SHORT, (orientation,)), (0x14A, LONG, tuple(starts)), *of,
    )  # fmt: skip
    return body[:4] + struct.pack("<I", len(body)) + body[8:] + _directory(first, len(body))


def _directory(entries: tuple[Entry, ...], at: int) -> bytes:
    table, after, behind = b"", b"", at + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries):
        packed = struct.pack(f"<{len(values)}{ {LONG: 'I', SHORT: 'H', BYTE: 'B'}[kind] }", *values)
        if len(packed) > 4:
            packed, after = struct.pack("<I", behind + len(after)), after + packed
        table += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return struct.pack("<H", len(entries)) + table + bytes(4) + after


def cr2(jpeg: bytes, orientation: int = 1) -> bytes:
    entries = (
        (0x103, SHORT, (6,)),
        (0x111, LONG, (2048,)),
        (0x112, SHORT, (orientation,)),
        (0x117, LONG, (len(jpeg),)),
    )
    return (b"II*\0\x10\0\0\0CR\x02\0\0\0\0\0" + _directory(entries, 16)).ljust(2048, b"\0") + jpeg


def raf(jpeg: bytes) -> bytes:
    return b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">II", 148, len(jpeg)) + bytes(56) + jpeg


def rw2(jpeg: bytes) -> bytes:
    table = struct.pack("<H", 1) + struct.pack("<HHII", 0x2E, 7, len(jpeg), 512) + bytes(4)
    return (b"IIU\0\x18\0\0\0" + bytes(16) + table).ljust(512, b"\0") + jpeg


def cr3(jpeg: bytes, orientation: int = 1) -> bytes:
    tiff = b"II*\0\x08\0\0\0" + _directory(((0x112, SHORT, (orientation,)),), 8)
    moov = _box(b"moov", _box(b"uuid", CANON_UUID + _box(b"CMT1", tiff)))
    prvw = _box(b"PRVW", bytes(12) + struct.pack(">I", len(jpeg)) + jpeg)
    start = _box(b"ftyp", b"crx \0\0\0\x01crx isom") + moov + _box(b"uuid", bytes(16) + bytes(70_000))
    return start + _box(b"uuid", PREVIEW_UUID + bytes(8) + prvw) + _box(b"mdat", bytes(5000))


def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body
