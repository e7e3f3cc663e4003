"""Damaged and odd videos, made of whole ones on the spot: cut, with holes, with other stamps."""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.helpers.clips import Picture, clip, picture
from tests.helpers.encoding import always_alike

FRAMES, RATE = 72, 24
# By suffix: codec of the pictures, their format, codec of the sound, time base.
KINDS = {
    "avi": ("mpeg4", "libmp3lame"),
    "ts": ("libx264", "aac"),
    "mpg": ("mpeg2video", "mp2"),
    "ogv": ("libvpx", "libopus"),
    "gif": ("gif", None),
    "h264": ("libx264", None),
    "wmv": ("wmv2", None),
    "mkv": ("libx264", "aac"),
    "webm": ("libvpx", "libopus"),
    "flv": ("libx264", "aac"),
    "nut": ("libx264", "aac"),
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "pcm_s16le"),
}
_SOUND_RATES = {"libopus": 48_000, "libmp3lame": 44_100, "mp2": 44_100}


def whole(path: Path, frames: int = FRAMES, *, start: Fraction = Fraction(0)) -> Path:
    """A whole video in the container that the suffix names: 24 frames a second, sound along with it.

    Packets lie as recorders put them, in the order of their times, so that a half is half of both.
    """
    codec, sound = KINDS[path.suffix[1:]]
    size, rate = (160, 96), 10 if codec == "gif" else RATE
    with av.open(str(path), "w") as container:
        base = Fraction(1, rate)
        stream = container.add_stream(
            codec,
            rate=rate,
            width=size[0],
            height=size[1],
            pix_fmt="rgb8" if codec == "gif" else "yuv420p",
            time_base=base,
            options=always_alike(codec),
        )
        stream.codec_context.gop_size = 12
        packets = []
        if sound:
            packets += _tone(container, sound, Fraction(frames, rate), start)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(_grainy(index, size), format="bgr24")
            frame.pts, frame.time_base = index + round(start * rate), base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        packets.sort(key=lambda packet: (packet.pts if packet.dts is None else packet.dts) * packet.time_base)
        for packet in packets:
            container.mux(packet)
    return path


def _grainy(index: int, size: tuple[int, int]) -> Picture:
    """The picture of a number with grain, so that each frame has some bytes to be lost."""
    image = picture(index, size)
    grain = np.random.default_rng(index).integers(-20, 20, (size[1] * 3 // 4, size[0], 1))
    image[: len(grain)] = np.clip(image[: len(grain)] + grain, 0, 255)
    return image


def _tone(container, codec, seconds, start):
    rate = _SOUND_RATES.get(codec, 16_000)
    stream = container.add_stream(codec, rate=rate, layout="mono")
    container.start_encoding()
    packets = []
    for at in range(0, round(seconds * rate), 1024):
        # It beeps each half second.
        places = np.arange(at, at + 1024)
        loud = (places / rate % 0.5 < 0.1) * 0.3
        samples = loud * np.sin(2 * np.pi * 440 * places / rate)
        if codec == "pcm_s16le":
            frame = av.AudioFrame.from_ndarray(
                (samples * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
        else:
            frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        frame.pts, frame.time_base = round(start * rate) + at, Fraction(1, rate)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def cut(path: Path, share: float = 0.5) -> Path:
    """Keep the first share of the bytes."""
    data = path.read_bytes()
    return _beside(path, "cut", data[: int(len(data) * share)])


def hole(path: Path, begin: float = 0.4, end: float = 0.65, *, zeros: bool = False) -> Path:
    """Take bytes out of the middle, or set them to zero."""
    data = path.read_bytes()
    first, last = int(len(data) * begin), int(len(data) * end)
    return _beside(path, "hole", data[:first] + bytes(last - first) * zeros + data[last:])


def joined(path: Path, *others: Path) -> Path:
    """Files end to end."""
    return _beside(path, "joined", b"".join(one.read_bytes() for one in (path, *others)))


def patched(path: Path, box: bytes, change: Callable[[bytearray], None], which: int = 0) -> Path:
    """An mp4 whose `which`-th box of a name has another content: `change` is given it from the name on."""
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(which + 1):
        at = data.index(box, at + 1)
    content = data[at:]
    change(content)
    data[at:] = content
    return _beside(path, "patched", bytes(data))


def without_fragment(path: Path, number: int) -> Path:
    """A fragmented mp4 without its fragments of a number (a moof with its mdat)."""
    data, kept, position, count = path.read_bytes(), b"", 0, 0
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        count += name == b"moof"
        if not (name in (b"moof", b"mdat") and count == number):
            kept += data[position : position + length]
        position += length
    return _beside(path, "fragment", kept)


def retimed_flv(path: Path, kind: int, change: Callable[[int, int], int]) -> Path:
    """An FLV whose tags of a kind (8: sound, 9: pictures) have other stamps.

    Args:
        change: (number of the tag among its kind, its milliseconds) to its milliseconds.
    """
    data = bytearray(path.read_bytes())
    position, count = 13, 0
    while position + 11 <= len(data):
        length = int.from_bytes(data[position + 1 : position + 4], "big")
        # Tags of zero are headers of the codecs.
        if data[position] == kind and data[position + 12] != 0:
            low, high = data[position + 4 : position + 7], data[position + 7]
            stamp = change(count, high << 24 | int.from_bytes(low, "big"))
            data[position + 4 : position + 7] = (stamp & 0xFFFFFF).to_bytes(3, "big")
            data[position + 7] = stamp >> 24
            count += 1
        position += 11 + length + 4
    return _beside(path, "retimed", bytes(data))


def two_tracks(path: Path, first: int, second: int) -> Path:
    """A video of two tracks of so many frames; the second shows the numbers of its frames, the first none."""
    with av.open(str(path), "w") as container:
        streams = [
            container.add_stream(
                "libx264",
                rate=RATE,
                width=96,
                height=64,
                pix_fmt="yuv420p",
                options=always_alike("libx264"),
            )
            for _ in range(2)
        ]
        container.start_encoding()
        for stream, frames, shift in zip(streams, (first, second), (200, 0), strict=True):
            for index in range(frames):
                container.mux(
                    stream.encode(
                        av.VideoFrame.from_ndarray(picture((index + shift) % 256, (96, 64)), format="bgr24")
                    )
                )
            container.mux(stream.encode(None))
    return path


def bare(path: Path, frames: int, size: tuple[int, int], rate: int = RATE) -> Path:
    """A bare H.264 stream."""
    clip(path, frames, size=size, rate=rate, time_base=Fraction(1, rate))
    return path


def _beside(path: Path, word: str, data: bytes) -> Path:
    made = path.with_stem(f"{word}-{path.stem}")
    made.write_bytes(data)
    return made
