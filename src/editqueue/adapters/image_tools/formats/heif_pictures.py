"""The pictures in a HEIC, HIF or AVIF: the main one and smaller copies of it, their size, colours and turn.

Every number of the file is hostile. What is not understood, or does not fit, gives None and no error: another way then
reads the file and judges it.
"""

from collections.abc import Sequence

from editqueue.adapters.image_tools.formats.byte_source import BytesSource
from editqueue.adapters.image_tools.formats.coded_picture import Coded, Colours, Crop, HeifPicture, HeifPictures
from editqueue.adapters.image_tools.formats.heif_index import Fields, HeifIndex, NotUnderstood, Property
from editqueue.adapters.image_tools.formats.isobmff import FULL_BOX, boxes

MOST_THUMBNAILS = 8
CONFIGURATIONS = {b"hvc1": b"hvcC", b"av01": b"av1C"}
ALPHA = frozenset({b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"})
UNDERSTOOD = frozenset({
    b"ispe", b"pixi", b"colr", b"hvcC", b"av1C", b"irot", b"imir", b"clap", b"pasp",
    b"clli", b"mdcv", b"cclv", b"amve", b"udes", b"altt", b"rloc", b"cmin", b"cmex", b"free", b"auxC",
})  # fmt: skip
"""Properties that are used here, or change nothing of what is shown."""


def heif_pictures(beginning: bytes, *, file_size: int) -> HeifPictures | None:
    """From the beginning of a file, or all of it.

    None where the index is not in it; where the main picture is not understood, is partly transparent, or lies outside
    of the file; and for sequences.
    """
    parts = {box.name: box for box in boxes(BytesSource(beginning))}
    meta = parts.get(b"meta")
    if meta is None or b"moov" in parts or meta.end > len(beginning):
        return None
    try:
        index = HeifIndex(beginning[meta.start : meta.end], file_size)
        if _is_transparent(index):
            return None
        return HeifPictures(main=_picture(index, index.primary, file_size), thumbnails=_thumbnails(index, file_size))
    except NotUnderstood:
        return None


def _is_transparent(index: HeifIndex) -> bool:
    for kind, item, others in index.references:
        if kind == b"auxl" and index.primary in others:
            said = [each.body[FULL_BOX:].partition(b"\0")[0] for each in index.properties(item) if each.name == b"auxC"]
            if not said or not ALPHA.isdisjoint(said):
                return True
    return False


def _thumbnails(index: HeifIndex, file_size: int) -> Sequence[HeifPicture]:
    items = [item for kind, item, others in index.references if kind == b"thmb" and others == (index.primary,)]
    found = list[HeifPicture]()
    for item in items[:MOST_THUMBNAILS]:
        try:
            found.append(_picture(index, item, file_size))
        except NotUnderstood:
            continue
    return tuple(found)


def _picture(index: HeifIndex, item: int, file_size: int) -> HeifPicture:
    properties = _understood(index, item)
    width, height = _size(properties)
    if index.kinds.get(item) == b"grid":
        columns, tiles = _grid(index, item, width, height)
    else:
        columns, tiles = 1, (_stream(index, item),)
    if sum(extent.length for tile in tiles for extent in tile.extents) > file_size:
        raise NotUnderstood
    crop, turns = _transforms(properties, width, height)
    return HeifPicture(
        width=width,
        height=height,
        columns=columns,
        tiles=tiles,
        crop=crop,
        turns=turns,
        colours=_colours(properties) or tiles[0].colours,
        profile=_profile(properties) or tiles[0].profile,
    )


def _grid(index: HeifIndex, item: int, width: int, height: int) -> tuple[int, Sequence[Coded]]:
    """How many columns, and the tiles (23008-12, 6.6.2.3)."""
    place = index.places.get(item)
    fields = Fields(place if isinstance(place, bytes) else b"")
    _, flags, rows, columns = fields.number(1), fields.number(1), fields.number(1) + 1, fields.number(1) + 1
    length = 4 if flags & 1 else 2
    canvas = fields.number(length), fields.number(length)
    parts = [others for kind, of, others in index.references if kind == b"dimg" and of == item]
    if canvas != (width, height) or [len(others) for others in parts] != [rows * columns]:
        raise NotUnderstood
    tiles = tuple(_stream(index, tile) for tile in parts[0])
    first = tiles[0]
    alike = all(
        (tile.kind, tile.size, tile.configuration, tile.colours, tile.profile)
        == (first.kind, first.size, first.configuration, first.colours, first.profile)
        for tile in tiles
    )
    across = first.width * (columns - 1) < width <= first.width * columns
    down = first.height * (rows - 1) < height <= first.height * rows
    if not (alike and across and down):
        raise NotUnderstood
    return columns, tiles


def _stream(index: HeifIndex, item: int) -> Coded:
    kind, place = index.kinds.get(item, b""), index.places.get(item)
    properties = _understood(index, item)
    configurations = [each.body for each in properties if each.name == CONFIGURATIONS.get(kind)]
    if not isinstance(place, tuple) or not place or len(configurations) != 1:
        raise NotUnderstood
    width, height = _size(properties)
    return Coded(
        kind=kind,
        width=width,
        height=height,
        configuration=configurations[0],
        extents=place,
        colours=_colours(properties),
        profile=_profile(properties),
    )


def _understood(index: HeifIndex, item: int) -> Sequence[Property]:
    properties = index.properties(item)
    if any(each.name not in UNDERSTOOD for each in properties):
        raise NotUnderstood
    return properties


def _size(properties: Sequence[Property]) -> tuple[int, int]:
    sizes = [each.body for each in properties if each.name == b"ispe"]
    fields = Fields(sizes[0] if len(sizes) == 1 else b"")
    fields.take(FULL_BOX)
    width, height = fields.number(4), fields.number(4)
    if not width or not height:
        raise NotUnderstood
    return width, height


def _transforms(
    properties: Sequence[Property], width: int, height: int
) -> tuple[Crop | None, Sequence[tuple[bytes, int]]]:
    crop, turns = None, list[tuple[bytes, int]]()
    for name, body in properties:
        if name == b"clap":
            if crop is not None or turns:
                raise NotUnderstood
            crop = _crop(Fields(body), width, height)
        elif name in {b"irot", b"imir"}:
            turns.append((name, Fields(body).number(1) & (3 if name == b"irot" else 1)))
        elif name == b"pasp" and body[:4] != body[4:8]:
            raise NotUnderstood
    return crop, tuple(turns)


def _colours(properties: Sequence[Property]) -> Colours | None:
    body = next((each.body[4:] for each in properties if each.name == b"colr" and each.body[:4] == b"nclx"), None)
    if body is None:
        return None
    fields = Fields(body)
    primaries, transfer, matrix, flags = fields.number(2), fields.number(2), fields.number(2), fields.number(1)
    return Colours(primaries=primaries, transfer=transfer, matrix=matrix, full_range=bool(flags & 0x80))


def _profile(properties: Sequence[Property]) -> bytes | None:
    found = (each.body[4:] for each in properties if each.name == b"colr" and each.body[:4] in {b"prof", b"rICC"})
    return next(found, None) or None


def _crop(clap: Fields, width: int, height: int) -> Crop:
    """Whole pixels within the picture; other crops are not understood (14496-12, 12.1.4)."""
    shown_width, shown_height = (_whole(clap.number(4), clap.number(4)) for _ in range(2))
    left, top = (
        _whole((whole - shown) * divisor + 2 * offset, 2 * divisor)
        for whole, shown, offset, divisor in (
            (width, shown_width, clap.signed(4), clap.number(4)),
            (height, shown_height, clap.signed(4), clap.number(4)),
        )
    )
    if left < 0 or top < 0 or not shown_width or not shown_height:
        raise NotUnderstood
    if left + shown_width > width or top + shown_height > height:
        raise NotUnderstood
    return Crop(left=left, top=top, width=shown_width, height=shown_height)


def _whole(number: int, divisor: int) -> int:
    if not divisor or number % divisor:
        raise NotUnderstood
    return number // divisor
