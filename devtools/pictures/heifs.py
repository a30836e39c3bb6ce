"""HEIC and HIF as phones and cameras write them, box by box: tiles, smaller copies, 10 bit of 4:2:2."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from PIL import Image

SRGB_FULL, SRGB_LIMITED = (1, 13, 6, 0x80), (1, 13, 6, 0)
"""Primaries, transfer, matrix and range, as an `nclx` box has them."""
RANGE = {0x80: 2, 0: 1}
PARAMETERS = (32, 33, 34)
"""Units of a stream that describe it: VPS, SPS, PPS. Those of the picture have smaller numbers."""
MATRICES = {1: 1, 6: 5, 9: 9}
"""As FFmpeg's scaler numbers them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """One picture of HEVC."""

    configuration: bytes
    body: bytes
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A picture of one stream, or of several, row by row."""

    streams: Sequence[Stream]
    width: int
    height: int
    columns: int = 1
    properties: Sequence[bytes] = field(default_factory=tuple)
    """Of the whole; those of the streams come by themselves."""


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def full_box(name: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


def nclx(colours: tuple[int, int, int, int]) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", *colours))


def icc(profile: bytes) -> bytes:
    return box(b"colr", b"prof", profile)


def turned(quarters: int) -> bytes:
    """To the left."""
    return box(b"irot", bytes([quarters]))


def clap(width: int, height: int, left: int, top: int, *, of: tuple[int, int]) -> bytes:
    right, down = 2 * left + width - of[0], 2 * top + height - of[1]  # halves from centre to centre
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, right, 2, down, 2))


def hevc(
    image: Image.Image, *, pixels: str = "yuv420p", colours: tuple[int, int, int, int] = SRGB_FULL, quality: int = 14
) -> Stream:
    """`pixels` as FFmpeg names them, `quality` as x265 counts it: 0 is lossless."""
    encoder: Any = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt = image.width, image.height, pixels
    encoder.time_base, encoder.color_range = Fraction(1), RANGE[colours[3]]
    encoder.options = {"crf": str(quality), "preset": "ultrafast", "x265-params": "log-level=error:info=0"}
    frame = av.VideoFrame.from_image(image.convert("RGB")).reformat(
        format=pixels,
        dst_colorspace=MATRICES[colours[2]],
        dst_color_range=RANGE[colours[3]],
        interpolation=0x4 | 0x40000 | 0x2000,  # bicubic, accurate, every pixel
    )
    written = b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    units = [unit.rstrip(b"\0") for unit in written.split(b"\0\0\1")[1:]]
    heads = [next(unit for unit in units if unit[0] >> 1 == kind) for kind in PARAMETERS]
    picture = [unit for unit in units if unit[0] >> 1 < PARAMETERS[0]]
    return Stream(
        configuration=_configuration(heads, frame.format),
        body=b"".join(struct.pack(">I", len(unit)) + unit for unit in picture),
        width=image.width,
        height=image.height,
    )


def _configuration(heads: Sequence[bytes], pixels: Any) -> bytes:
    """The content of an `hvcC` box (ISO/IEC 14496-15, 8.3.2)."""
    profile_and_level = heads[1].replace(b"\0\0\3", b"\0\0")[3:15]
    luma = pixels.components[0]
    chroma = {(True, True): 1, (True, False): 2, (False, False): 3}[
        pixels.chroma_width(2) == 1, pixels.chroma_height(2) == 1
    ]
    depth = 0xF8 | (luma.bits - 8)
    fixed = b"\1" + profile_and_level + bytes([0xF0, 0, 0xFC, 0xFC | chroma, depth, depth, 0, 0, 0x0F, len(heads)])
    return fixed + b"".join(bytes([0x80 | head[0] >> 1]) + struct.pack(">HH", 1, len(head)) + head for head in heads)


def tiled(image: Image.Image, tile: tuple[int, int], *, properties: Sequence[bytes] = (), **options: Any) -> Shown:
    """`image` in tiles; those at the right and below reach over it, black. `options` as `hevc` has them."""
    columns, rows = -(-image.width // tile[0]), -(-image.height // tile[1])
    canvas = Image.new("RGB", (columns * tile[0], rows * tile[1]))
    canvas.paste(image)
    places = [(column * tile[0], row * tile[1]) for row in range(rows) for column in range(columns)]
    streams = [hevc(canvas.crop((x, y, x + tile[0], y + tile[1])), **options) for x, y in places]
    return Shown(streams=streams, width=image.width, height=image.height, columns=columns, properties=properties)


def heif_file(main: Shown, *copies: Shown, colours: tuple[int, int, int, int] | None = SRGB_FULL) -> bytes:
    """The main picture first, then its smaller copies, of which the file says so."""
    made = _Made(colours)
    whole = made.add(main)
    for copy in copies:
        made.refer(b"thmb", made.add(copy), [whole])
    return made.file(whole)


class _Made:
    """Items, properties and references as they are added."""

    def __init__(self, colours: tuple[int, int, int, int] | None) -> None:
        self._colours = [] if colours is None else [nclx(colours)]
        self._kinds: list[bytes] = []
        self._bodies: list[bytes] = []
        self._known: list[bytes] = []
        self._of: dict[int, list[int]] = {}
        self._references: list[bytes] = []

    def add(self, shown: Shown) -> int:
        single = len(shown.streams) == 1 and shown.streams[0].width == shown.width
        streams = [self._stream(each, shown.properties if single else ()) for each in shown.streams]
        if single and shown.streams[0].height == shown.height:
            return streams[0]
        rows = len(streams) // shown.columns
        body = struct.pack(">BBBBHH", 0, 0, rows - 1, shown.columns - 1, shown.width, shown.height)
        grid = self._item(b"grid", body, [_size(shown.width, shown.height), *shown.properties])
        self.refer(b"dimg", grid, streams)
        return grid

    def refer(self, kind: bytes, item: int, others: Sequence[int]) -> None:
        self._references.append(box(kind, struct.pack(f">HH{len(others)}H", item, len(others), *others)))

    def _stream(self, stream: Stream, more: Sequence[bytes]) -> int:
        own = [box(b"hvcC", stream.configuration), _size(stream.width, stream.height), *self._colours]
        return self._item(b"hvc1", stream.body, [*own, *more])

    def _item(self, kind: bytes, body: bytes, properties: Sequence[bytes]) -> int:
        self._kinds.append(kind)
        self._bodies.append(body)
        item = len(self._kinds)
        self._known += [each for each in properties if each not in self._known]
        self._of[item] = [self._known.index(each) + 1 for each in properties]
        return item

    def file(self, primary: int) -> bytes:
        start = b"ftyp" + b"heic\0\0\0\0mif1heic"
        start = struct.pack(">I", 4 + len(start)) + start
        length = len(self._meta(primary, 0))
        meta = self._meta(primary, len(start) + length + 8)
        in_file = (body for kind, body in zip(self._kinds, self._bodies, strict=True) if kind != b"grid")
        return start + meta + box(b"mdat", *in_file)

    def _meta(self, primary: int, at: int) -> bytes:
        entries = [
            full_box(b"infe", struct.pack(">HH4s", item, 0, kind), b"\0", version=2)
            for item, kind in enumerate(self._kinds, start=1)
        ]
        return full_box(
            b"meta",
            full_box(b"hdlr", b"\0\0\0\0pict", bytes(13)),
            full_box(b"pitm", struct.pack(">H", primary)),
            full_box(b"iinf", struct.pack(">H", len(entries)), *entries),
            full_box(b"iref", *self._references) if self._references else b"",
            box(b"iprp", box(b"ipco", *self._known), full_box(b"ipma", *self._associations())),
            full_box(b"iloc", b"\x44\0", struct.pack(">H", len(entries)), *self._places(at), version=1),
            box(b"idat", *(body for kind, body in zip(self._kinds, self._bodies, strict=True) if kind == b"grid")),
        )

    def _associations(self) -> Iterator[bytes]:
        yield struct.pack(">I", len(self._of))
        for item, numbers in self._of.items():
            yield struct.pack(f">HB{len(numbers)}B", item, len(numbers), *(number | 0x80 for number in numbers))

    def _places(self, at: int) -> Iterator[bytes]:
        """In the index for a grid, else in the file from `at` on."""
        ends: Mapping[bool, list[int]] = {True: [0], False: [at]}
        for item, (kind, body) in enumerate(zip(self._kinds, self._bodies, strict=True), start=1):
            inside = kind == b"grid"
            start = ends[inside][-1]
            ends[inside].append(start + len(body))
            yield struct.pack(">HHHHII", item, int(inside), 0, 1, start, len(body))


def _size(width: int, height: int) -> bytes:
    return full_box(b"ispe", struct.pack(">II", width, height))
