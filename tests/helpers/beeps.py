"""Clips in which a flash is seen when a beep is heard, and when both come in any file.

A flash is a white picture among black ones, a beep a short tone in silence. Times are the file's own,
in seconds, told by the timestamps of pictures and by the number of samples since that of a packet.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE, SOUND = 25, 48_000
BEEP_SECONDS = 0.2


def beeping_clip(
    path: Path,
    moments: Sequence[float],
    *,
    video: str = "libx264",
    audio: str = "aac",
    seconds: float = 2.0,
    start: float = 0.0,
    pictures_start: float = 0.0,
    sound_start: float = 0.0,
    time_base: Fraction = Fraction(1, 90_000),
) -> None:
    """Write a clip.

    Args:
        path: the suffix decides on the container.
        moments: when it flashes and beeps, after `start`; whole pictures.
        video, audio: codecs.
        seconds: how long it is.
        start: where the clip's clock begins.
        pictures_start, sound_start: how long after it the pictures and the sound begin.
        time_base: of the pictures.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(video, rate=RATE, width=64, height=48, time_base=time_base)
        stream.pix_fmt = "yuvj420p" if video == "mjpeg" else "yuv420p"
        sound = container.add_stream(audio, rate=SOUND, layout="mono")
        container.start_encoding()
        frames = _sound(moments, sound_start, seconds, sound.codec_context.format.name, start)
        for frame in frames:
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
        for index in range(round(pictures_start * RATE), round(seconds * RATE)):
            frame = av.VideoFrame.from_ndarray(_picture(index / RATE, moments), format="bgr24")
            frame.pts = round((start + index / RATE) / time_base)
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def flashes(path: Path) -> list[float]:
    """When pictures turn white."""
    with av.open(str(path)) as container:
        pictures = [
            (float(frame.pts * frame.time_base), frame.to_ndarray(format="gray").mean() > 128)
            for frame in container.decode(video=0)
        ]
    lit = [False, *(white for _, white in pictures)]
    return [time for (time, white), before in zip(pictures, lit, strict=False) if white and not before]


def beeps(path: Path) -> list[float]:
    """When it begins to be loud after silence."""
    times, levels = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            heard = frame.to_ndarray().astype(np.float64)
            if frame.format.name.startswith("s16"):
                heard /= 2**15
            if frame.format.name.startswith("s32"):
                heard /= 2**31
            heard = heard.reshape(-1, frame.samples)[0] if frame.format.is_planar else heard.ravel()
            times.append(float(frame.pts * frame.time_base) + np.arange(heard.size) / frame.sample_rate)
            levels.append(np.abs(heard))
    loud = np.concatenate(times)[np.concatenate(levels) > 0.15]
    first = np.concatenate([[True], np.diff(loud) > BEEP_SECONDS / 2])
    return loud[first].tolist()


def _picture(time: float, moments: Sequence[float]) -> np.ndarray:
    white = any(0 <= time - moment < BEEP_SECONDS - 1e-6 for moment in moments)
    return np.full((48, 64, 3), 235 if white else 16, np.uint8)


def _sound(
    moments: Sequence[float], begin: float, end: float, form: str, start: float
) -> list[av.AudioFrame]:
    time = begin + np.arange(round((end - begin) * SOUND)) / SOUND
    loud = np.zeros(time.size)
    for moment in moments:
        inside = (time >= moment) & (time < moment + BEEP_SECONDS)
        # A cosine, so that it is loud from the first sample on.
        loud[inside] = 0.5 * np.cos(2 * np.pi * 1000 * (time[inside] - moment))
    frames = []
    for at in range(0, loud.size, 960):
        part = loud[None, at : at + 960]
        values = part.astype(np.float32) if form.startswith("flt") else (part * 2**15).astype(np.int16)
        given = form if form in ("fltp", "flt", "s16", "s16p") else "s16"
        frame = av.AudioFrame.from_ndarray(values, format=given, layout="mono")
        frame.sample_rate, frame.time_base = SOUND, Fraction(1, SOUND)
        frame.pts = round((start + begin) * SOUND) + at
        frames.append(frame)
    return frames
