"""Tiles of HEVC and AV1 as libvips images, by FFmpeg's decoders and its scaler (PyAV)."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import replace
from typing import Any

from editqueue.adapters.image_tools.decoders.fitting import expanded
from editqueue.adapters.image_tools.decoders.frame import packed
from editqueue.adapters.image_tools.decoders.tone_mapping import HLG, PQ
from editqueue.adapters.image_tools.decoders.vips import vips
from editqueue.adapters.image_tools.formats.coded_picture import Coded, Colours, HeifPicture

DECODERS = {b"hvc1": "hevc", b"av01": "libdav1d"}
SPARE = 256
"""Pixels, a side, by which a stream may be larger than its tile says: coders round up to their blocks."""
IDENTITY, BT709, UNSPECIFIED, BT601, BT2020 = 0, 1, 2, 5, 9
SCALER_MATRICES = {IDENTITY: BT709, BT709: BT709, UNSPECIFIED: BT601, BT601: BT601, 6: BT601, BT2020: BT2020}
"""Matrices of ITU-T H.273, as FFmpeg's scaler numbers them. Those not specified are BT.601, as in libheif; RGB needs
none."""
LIKE_SRGB = frozenset({BT709, UNSPECIFIED, BT601, 6, 7})
"""Primaries that libheif and libvips show as sRGB, too."""
LIMITED_RANGE, FULL_RANGE = 1, 2
"""As FFmpeg numbers them."""
BICUBIC, AREA = 0x4, 0x20
PRECISE = 0x40000 | 0x2000
"""Flags of FFmpeg's scaler: accurate rounding, and colours for every pixel. Without them the mean is off by up to 2."""


class Declined(Exception):
    """This way must not read the picture, or cannot."""


class TileDecoder:
    """Decodes the tiles of one picture, each side divided by `step`, or at once `to` a size; with the profile of the
    picture."""

    def __init__(self, picture: HeifPicture, step: int, *, to: tuple[int, int] | None = None) -> None:
        import av.video.reformatter  # noqa: PLC0415  # only where pictures are decoded

        self._picture = picture
        self._step = step
        self._to = to
        self._reformatter = av.video.reformatter.VideoReformatter()
        self.transfer: int | None = None
        """PQ or HLG where the pixels, of 16 bit then, are such."""

    def decode(self, tile: Coded, stream: bytes) -> Any:
        """Raises Declined."""
        frame = _only_frame(tile, stream)
        exact = (frame.width, frame.height) == tile.size
        if frame.width < tile.width or frame.height < tile.height or not (exact or self._step == 1):
            raise Declined
        colours = _colours(self._picture.colours, tile, frame)
        grey = frame.format.name.startswith("gray")
        _check(colours, self._picture.profile, grey=grey)
        if colours.transfer in {PQ, HLG}:
            self.transfer = colours.transfer
        if exact and self._to is not None:
            return self._scaled(frame, colours, self._to, BICUBIC, grey=grey)
        size = -(-frame.width // self._step), -(-frame.height // self._step)
        image = self._scaled(frame, colours, size, AREA if self._step > 1 else BICUBIC, grey=grey)
        return image if exact else image.crop(0, 0, *tile.size)

    def _scaled(self, frame: Any, colours: Colours, size: tuple[int, int], kernel: int, *, grey: bool) -> Any:
        wide = self.transfer is not None
        as_it_is = grey or colours.full_range  # the scaler leaves grey in its range, whatever it is told
        small = self._reformatter.reformat(
            frame,
            width=size[0],
            height=size[1],
            format="gray" if grey else "rgb48le" if wide else "rgb24",
            src_colorspace=SCALER_MATRICES[colours.matrix],
            src_color_range=FULL_RANGE if as_it_is else LIMITED_RANGE,
            dst_color_range=FULL_RANGE,
            interpolation=PRECISE | kernel,
            threads=1,
        )
        image = packed(small, "ushort" if wide else "uchar", bands=1 if grey else 3)
        if grey and not colours.full_range:
            image = expanded(image)
        if self._picture.profile is not None:
            image.set_type(vips().GValue.blob_type, "icc-profile-data", self._picture.profile)
        return image


def _only_frame(tile: Coded, stream: bytes) -> Any:
    import av  # noqa: PLC0415
    import av.error  # noqa: PLC0415
    import av.logging  # noqa: PLC0415

    av.logging.set_level(None)
    most = (tile.width + SPARE) * (tile.height + SPARE)
    try:
        decoder: Any = av.CodecContext.create(DECODERS[tile.kind], "r")
        decoder.thread_count = 1
        decoder.extradata = tile.configuration
        decoder.options = {"max_pixels": str(most), "err_detect": "explode"}
        frames = [*decoder.decode(av.Packet(stream)), *decoder.decode(None)]
    except (av.error.FFmpegError, ValueError, OverflowError, MemoryError) as error:
        # The second and third are PyAV's own. libheif may need less memory.
        raise Declined from error
    if len(frames) != 1 or frames[0].is_corrupt:
        raise Declined
    return frames[0]


def _colours(said: Colours | None, tile: Coded, frame: Any) -> Colours:
    """What the file says; where that is nothing, or "unspecified" throughout, what the stream says."""
    coded = Colours(
        primaries=frame.color_primaries,
        transfer=frame.color_trc,
        matrix=frame.colorspace,
        full_range=frame.color_range == FULL_RANGE,
    )
    if said is None or {said.primaries, said.transfer, said.matrix} == {UNSPECIFIED}:
        return coded
    half_colour = tile.kind == b"hvc1" and frame.format.name.startswith("yuv422")
    if half_colour and frame.color_range in {LIMITED_RANGE, FULL_RANGE}:
        # Some cameras say in the index that the range is limited, and code the full one.
        return replace(said, full_range=coded.full_range)
    return said


def _check(colours: Colours, profile: bytes | None, *, grey: bool) -> None:
    """Raises Declined for colours that this way would show otherwise than they are."""
    if colours.matrix not in SCALER_MATRICES or (colours.matrix == IDENTITY and not colours.full_range):
        raise Declined
    if profile is not None:
        fits = profile[16:20] == (b"GRAY" if grey else b"RGB ") and colours.transfer not in {PQ, HLG}
    elif colours.transfer in {PQ, HLG}:
        fits = colours.primaries == BT2020 and not grey
    else:
        fits = colours.primaries in LIKE_SRGB
    if not fits:
        raise Declined
