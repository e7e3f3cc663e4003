"""Small clips made on the spot, whose pixels say which frame they are.

The upper three quarters of a picture are eight stripes: the bits of its number, white for 1. The
lower quarter is blue, so that a picture that is turned, mirrored or has its channels swapped
shows it.
"""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from emotion.realtime.sources.demo import DEMO
from tests.helpers.encoding import always_alike

Picture = npt.NDArray[np.uint8]
BITS = 8
BLUE = (200, 20, 20)
AUDIO_RATE = 16_000
# Turned right by a quarter, as phones write for a portrait, and mirrored left to right.
QUARTER_RIGHT = (0, 1, 0, -1, 0, 0)
MIRRORED = (-1, 0, 0, 0, 1, 0)


def picture(number: int, size: tuple[int, int] = (64, 48)) -> Picture:
    """The picture of a number, uint8 (h, w, 3), BGR."""
    width, height = size
    bits = (number >> (np.arange(width) * BITS // width)) & 1
    image = np.broadcast_to((20 + 200 * bits)[None, :, None], (height, width, 3)).astype(np.uint8)
    image[height * 3 // 4 :] = BLUE
    return image


def number(image: Picture) -> int:
    """The number that a decoded picture shows; fails where it is not upright or not in BGR."""
    height, width = image.shape[:2]
    assert np.abs(image[height * 7 // 8, width // 2].astype(int) - BLUE).max() < 40
    centres = (np.arange(BITS) * 2 + 1) * width // (2 * BITS)
    bits = image[height // 3, centres].mean(axis=1) > 120
    return int((bits * (1 << np.arange(BITS))).sum())


def clip(
    path: Path,
    frames: int = 30,
    *,
    size: tuple[int, int] = (64, 48),
    stamps: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 12_800),
    rate: int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    audio: str | None = None,
    audio_start: float = 0.0,
    audio_seconds: float | None = None,
) -> list[int]:
    """Write a clip whose n-th picture shows n; returns the timestamps, in units of `time_base`.

    Args:
        path: the suffix decides on the container.
        stamps: of each frame; evenly spaced from 0 by default.
        audio: the codec of a sine tone that goes along; none by default.
        audio_start: where the tone begins, in seconds.
        audio_seconds: how long it is; as long as the pictures by default.
    """
    step = round(1 / (rate * time_base))
    stamps = [step * n for n in range(frames)] if stamps is None else stamps
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec,
            rate=rate,
            width=size[0],
            height=size[1],
            pix_fmt=pix_fmt,
            time_base=time_base,
            options=always_alike(codec),
        )
        stream.codec_context.gop_size = 10
        sound = container.add_stream(audio, rate=AUDIO_RATE, layout="mono") if audio else None
        container.start_encoding()
        if sound:
            seconds = float(len(stamps) * step * time_base) if audio_seconds is None else audio_seconds
            for frame in _tone(audio_start, seconds):
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
        for index, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(picture(index, size), format="bgr24")
            frame.pts, frame.time_base = stamp, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return list(stamps)


def tone_only(path: Path, codec: str = "aac") -> None:
    """A file with sound and no pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=AUDIO_RATE, layout="mono")
        for frame in _tone(0.0, 1.0):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def beginning(source: Path, path: Path, frames: int) -> None:
    """The first pictures of a video as they are, without its sound."""
    with av.open(str(source)) as whole, av.open(str(path), "w", options={"movflags": "faststart"}) as part:
        video = whole.streams.video[0]
        copy = part.add_stream_from_template(video)
        for packet, _ in zip(whole.demux(video), range(frames), strict=False):
            packet.stream = copy
            part.mux(packet)


def repeated(source: Path, path: Path, times: int) -> None:
    """The pictures of a video so many times in a row, as they are, without its sound."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as whole:
        copy, offset = None, 0
        for _ in range(times):
            with av.open(str(source)) as part:
                video = part.streams.video[0]
                copy = copy or whole.add_stream_from_template(video)
                for packet in part.demux(video):
                    if packet.dts is not None and packet.pts is not None:
                        packet.stream = copy
                        packet.dts, packet.pts = packet.dts + offset, packet.pts + offset
                        whole.mux(packet)
                offset += video.duration or 0


def beginning_of_demo(frames: int) -> list[tuple[float, Picture]]:
    """The first pictures of the bundled clip, each with its time in seconds."""
    with av.open(str(DEMO)) as container:
        decoded = container.decode(video=0)
        first = [next(decoded) for _ in range(frames)]
        return [(float(frame.time or 0), np.asarray(frame.to_ndarray(format="bgr24"))) for frame in first]


def turn(path: Path, matrix: Sequence[int]) -> None:
    """Write a display matrix (its first six entries, in units) into an mp4's first track header."""
    data = path.read_bytes()
    # Version 0 of the box: 40 bytes between its name and the matrix.
    at = data.index(b"tkhd") + 4 + 40
    a, b, u, c, d, v = matrix
    entries = struct.pack(">6i", a << 16, b << 16, u, c << 16, d << 16, v)
    path.write_bytes(data[:at] + entries + data[at + len(entries) :])


def timestamps(path: Path) -> list[Fraction]:
    """When each picture is shown, in seconds."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sound(path: Path) -> tuple[str, float, float]:
    """Codec, begin and end in seconds of what is heard."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        last = frames[-1]
        end = last.pts * last.time_base + Fraction(last.samples, last.sample_rate)
        return stream.codec_context.codec.canonical_name, frames[0].time, float(end)


def loudness(path: Path, begin: float, end: float) -> float:
    """Root mean square of the samples heard between two moments, full scale being 1."""
    with av.open(str(path)) as container:
        heard = [
            frame.to_ndarray().astype(np.float64).ravel()
            for frame in container.decode(audio=0)
            if begin <= frame.time < end
        ]
        return float(np.sqrt(np.mean(np.concatenate(heard) ** 2)))


def _tone(start: float, seconds: float) -> list[av.AudioFrame]:
    frames = []
    for at in range(0, round(seconds * AUDIO_RATE), 1024):
        samples = 0.3 * np.sin(2 * np.pi * 440 * np.arange(at, at + 1024) / AUDIO_RATE)
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = AUDIO_RATE
        frame.pts, frame.time_base = round(start * AUDIO_RATE) + at, Fraction(1, AUDIO_RATE)
        frames.append(frame)
    return frames
