"""Clips made when a test needs them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

import io
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

RATE = 24


def frames(image: Image.Image, count: int) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(image.convert("RGB"))] * count


def black(image: Image.Image, count: int) -> list[np.ndarray[Any, Any]]:
    return frames(Image.new("RGB", image.size), count)


def clip(
    pictures: Iterable[np.ndarray[Any, Any]],
    *,
    codec: str = "libx264",
    kind: str = "mp4",
    keyframe_every: int = 12,
    rotation: int = 0,
    front: bool = False,
    aspect: Fraction | None = None,
    crf: int = 12,
) -> bytes:
    """An mp4 or a mov; `front` puts its index before its pictures, `rotation` is to the left, as FFmpeg counts it."""
    pictures = list(pictures)
    height, width = pictures[0].shape[:2]
    options = {"movflags": "+faststart"} if front else {}
    with tempfile.TemporaryDirectory() as folder, av.open(f"{folder}/clip.{kind}", "w", options=options) as container:
        stream: Any = container.add_stream(codec, rate=RATE, options={"crf": str(crf), "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = keyframe_every
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        stream.codec_context.colorspace = 1
        if rotation:
            stream.set_display_rotation(rotation)
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p", dst_colorspace="ITU709"
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        container.close()
        return Path(folder, f"clip.{kind}").read_bytes()


def hdr_clip(code: int, *, transfer: int, size: tuple[int, int] = (640, 368)) -> bytes:
    """A grey of the 10-bit video `code` (64 black, 940 white), tagged BT.2020 with `transfer` (16 PQ, 18 HLG)."""
    body = io.BytesIO()
    with av.open(body, "w", format="mp4") as container:
        options = {
            "x265-params": f"log-level=none:colorprim=9:transfer={transfer}:colormatrix=9",
            "preset": "ultrafast",
        }
        stream: Any = container.add_stream("libx265", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p10le"
        stream.codec_context.color_trc, stream.codec_context.color_primaries = transfer, 9
        stream.codec_context.colorspace = 9
        planes = [np.full(size[::-1], code, np.uint16)] + [np.full((size[1] // 2, size[0] // 2), 512, np.uint16)] * 2
        frame = av.VideoFrame(*size, "yuv420p10le")
        for plane, pixels in zip(frame.planes, planes, strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
            rows[:, : pixels.shape[1]] = pixels
            plane.update(rows.tobytes())
        for moment in range(3):
            frame.pts = moment
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return body.getvalue()


def sound_only() -> bytes:
    body = io.BytesIO()
    with av.open(body, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        for moment in range(20):
            frame.pts = moment * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return body.getvalue()


def long_clip(pictures: Iterable[np.ndarray[Any, Any]], *, times: int, front: bool = False, crf: int = 30) -> bytes:
    """An mp4 that shows the same pictures again and again; they are encoded once."""
    packets, pictures = [], list(pictures)
    height, width = pictures[0].shape[:2]
    options = {"movflags": "+faststart"} if front else {}
    with tempfile.TemporaryDirectory() as folder, av.open(f"{folder}/clip.mp4", "w", options=options) as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={"crf": str(crf), "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = len(pictures)
        for picture in pictures:
            packets += stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        packets += stream.encode(None)
        base, length = packets[0].time_base, round(len(pictures) / RATE / packets[0].time_base)
        for round_ in range(times):
            for encoded in packets:
                packet = av.Packet(bytes(encoded))  # a muxer empties what it is given
                packet.stream, packet.time_base, packet.is_keyframe = stream, base, encoded.is_keyframe
                packet.pts, packet.dts = (moment + round_ * length for moment in (encoded.pts, encoded.dts))
                container.mux(packet)
        container.close()
        return Path(folder, "clip.mp4").read_bytes()
