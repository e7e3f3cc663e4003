"""The bundled clip in many containers, small, with a tone that beeps."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from emotion.realtime.sources.demo import DEMO
from tests.helpers.encoding import always_alike

FRAMES, RATE, SIZE = 48, Fraction(24), (160, 90)
_SOUND_SECONDS = FRAMES / float(RATE)


@dataclass(frozen=True)
class Kind:
    """A container: codec of the pictures and of the sound, and the muxer's options.

    Attributes:
        rate: frames a second.
        layout: of the pictures' colours.
    """

    pictures: str
    sound: str | None
    suffix: str
    options: tuple[tuple[str, str], ...] = ()
    rate: Fraction = RATE
    layout: str = "yuv420p"
    sound_rate: int = 48_000


KINDS = {
    "mp4": Kind("libx264", "aac", "mp4"),
    "mp4, fragments": Kind("libx264", "aac", "mp4", (("movflags", "frag_keyframe+empty_moov"),)),
    "mov": Kind("libx264", "pcm_s16le", "mov"),
    "mkv": Kind("libx264", "aac", "mkv"),
    "webm": Kind("libvpx", "libopus", "webm"),
    "avi": Kind("mpeg4", "libmp3lame", "avi", sound_rate=44_100),
    "ts": Kind("libx264", "aac", "ts"),
    "mpg": Kind("mpeg2video", "mp2", "mpg", sound_rate=44_100),
    "flv": Kind("libx264", "aac", "flv", sound_rate=44_100),
    "wmv": Kind("wmv2", "wmav2", "wmv", sound_rate=44_100),
    "ogv": Kind("libvpx", "libopus", "ogv"),
    "nut": Kind("libx264", "aac", "nut"),
    "h264": Kind("libx264", None, "h264"),
    "3gp": Kind("mpeg4", "aac", "3gp", sound_rate=44_100),
    "gif": Kind("gif", None, "gif", rate=Fraction(10), layout="rgb8"),
}


def whole(kind: Kind, path: Path) -> Path:
    """Write the whole clip."""
    with av.open(str(DEMO)) as demo, av.open(str(path), "w", options=dict(kind.options)) as container:
        stream = container.add_stream(
            kind.pictures,
            rate=kind.rate,
            width=SIZE[0],
            height=SIZE[1],
            pix_fmt=kind.layout,
            time_base=1 / kind.rate,
            options=always_alike(kind.pictures),
        )
        stream.codec_context.gop_size = 12
        packets = _tone(container, kind) if kind.sound else []
        for index, frame in zip(range(FRAMES), demo.decode(video=0), strict=False):
            small = frame.reformat(width=SIZE[0], height=SIZE[1], format=kind.layout)
            small.pts, small.time_base = index, 1 / kind.rate
            packets += stream.encode(small)
        packets += stream.encode(None)
        # As recorders put them: in the order of their times.
        packets.sort(key=lambda packet: (packet.pts if packet.dts is None else packet.dts) * packet.time_base)
        for packet in packets:
            container.mux(packet)
    return path


def _tone(container, kind):
    rate = kind.sound_rate
    stream = container.add_stream(kind.sound, rate=rate, layout="mono")
    stream.bit_rate = 64_000
    container.start_encoding()
    places = np.arange(round(_SOUND_SECONDS * rate))
    loud = (places / rate % 0.5 < 0.1) * 0.3
    samples = (loud * np.sin(2 * np.pi * 440 * places / rate) * 32767).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    context = stream.codec_context
    resampler = av.AudioResampler(
        format=context.format, layout="mono", rate=rate, frame_size=context.frame_size or 1024
    )
    packets = []
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        packets += stream.encode(part)
    return packets + stream.encode(None)
