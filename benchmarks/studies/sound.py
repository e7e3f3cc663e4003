"""Synchronisation of sound and picture, measured through a null sink of PulseAudio::

    python -m emotion.benchmarks.studies.sound

A clip of short tones, each higher than the one before, is played through PortAudio at several speeds, with
jumps and a pause, and recorded where the sink puts it out. Printed is, for each tone, its pitch in the file,
its pitch as it was heard, and how many milliseconds after its moment that was. Needs the programs pulseaudio,
pactl and parec, ALSA's plugin for PulseAudio, and PortAudio; a sink of its own is started and ended.
"""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import numpy.typing as npt
import typer

from emotion.realtime.playback.clock import PlayClock
from emotion.realtime.playback.sound import RATE, Samples, Sound

_MOMENTS = tuple(round(0.5 + 0.7 * number, 2) for number in range(16))
_PITCHES = tuple(400 + 100 * number for number in range(16))
_SECONDS, _TONE = 12, 0.2
# The part of a tone, after its beginning, of which the pitch is taken: there at twice the speed, too.
_FROM, _LONG = 0.02, 0.06
_LOUD = 0.1
# After a change the sound needs so long to begin; what falls into it is not asked for.
_BEGINS = 0.25
# Where the clip is set to, in which speed, and until where it then plays; None: it stands for a second.
_COURSE = ((0.0, 1.0, 3.0), (6.0, 1.0, 8.2), None, (8.2, 1.0, 9.2), (1.0, 2.0, 6.0), (1.0, 0.5, 3.0))


def tones(path: Path) -> None:
    """Write a clip with black pictures and a tone of its own pitch at each of the moments."""
    time_of = np.arange(_SECONDS * RATE) / RATE
    samples = np.zeros(len(time_of), np.float32)
    for moment, pitch in zip(_MOMENTS, _PITCHES, strict=True):
        part = (moment <= time_of) & (time_of < moment + _TONE)
        samples[part] = 0.5 * np.sin(2 * np.pi * pitch * time_of[part])
    with av.open(str(path), "w") as target:
        picture = target.add_stream("libx264", rate=25, width=64, height=48, pix_fmt="yuv420p")
        track = target.add_stream("aac", rate=RATE, layout="mono")
        for number in range(_SECONDS * 25):
            black = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            black.pts, black.time_base = number, Fraction(1, 25)
            target.mux(picture.encode(black))
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        target.mux(track.encode(frame))
        target.mux([*picture.encode(None), *track.encode(None)])


@contextmanager
def sink(folder: Path) -> Iterator[None]:
    """PulseAudio with one sink, which this program plays to."""
    folder.chmod(0o700)
    os.environ.update(XDG_RUNTIME_DIR=str(folder), HOME=str(folder))
    modules = ("module-native-protocol-unix", f"module-null-sink sink_name=unheard rate={RATE}")
    loaded = [word for module in modules for word in ("-L", module)]
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-level=error", *loaded]
    with subprocess.Popen(command) as server:
        try:
            for _ in range(100):
                if subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode == 0:
                    break
                time.sleep(0.1)
            yield
        finally:
            server.terminate()


class Ear:
    """What comes out of the sink, and when."""

    def __init__(self) -> None:
        form = ["--format=float32le", f"--rate={RATE}", "--channels=2", "--latency-msec=10"]
        self._recorder = subprocess.Popen(
            ["parec", "-d", "unheard.monitor", *form], stdout=subprocess.PIPE, bufsize=0
        )
        self._parts: list[tuple[float, bytes]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._recorder.stdout is not None
        while part := self._recorder.stdout.read(4096):
            self._parts.append((time.monotonic(), part))

    def tones(self) -> list[tuple[float, float]]:
        """When each tone began, by `time.monotonic()`, and its pitch in hertz; ends the recording."""
        self._recorder.terminate()
        self._thread.join()
        data = b"".join(part for _, part in self._parts)
        samples: Samples = np.frombuffer(data[: len(data) // 8 * 8], np.float32).reshape(-1, 2)
        counts = np.cumsum([len(part) / 8 for _, part in self._parts])
        # Parts may arrive late but never early: the quickest says when recording began.
        begin = min(arrived - count / RATE for (arrived, _), count in zip(self._parts, counts, strict=True))
        loud = np.flatnonzero(np.abs(samples[:, 0]) > _LOUD)
        firsts = loud[np.diff(loud, prepend=-RATE) > 0.05 * RATE]
        return [(begin + at / RATE, pitch_of(samples[at:, 0])) for at in firsts]


def pitch_of(samples: npt.NDArray[np.float32]) -> float:
    """The pitch of a tone in hertz, from its samples, float32 (n,), to within a few hertz."""
    part = samples[round(_FROM * RATE) : round((_FROM + _LONG) * RATE)]
    strengths = np.abs(np.fft.rfft(part * np.hanning(len(part)), RATE)) if len(part) else np.zeros(1)
    return float(strengths.argmax())  # padded to a second, a step is a hertz


def play(clip: Path) -> list[tuple[float, float, float]]:
    """Play the course; when each part of it began, where, and in which speed (0: it stands)."""
    clock = PlayClock()
    sound = Sound(clip, clock)
    parts = []
    for step in (*_COURSE, None):
        if step is None:
            clock.stop()
        else:
            clock.set(step[0])
            clock.speed = step[1]
            clock.start()
        now = time.monotonic()
        parts.append((now, clock.position, 0.0 if step is None else step[1]))
        while time.monotonic() < now + 1 if step is None else clock.position < step[2]:
            sound.follow()
            time.sleep(0.005)
    sound.close()
    return parts


def main() -> None:
    """Print each tone's delay, as a table in Markdown."""
    with TemporaryDirectory() as name, sink(Path(name)):
        tones(clip := Path(name) / "tones.mp4")
        ear = Ear()
        time.sleep(1)
        parts = play(clip)
        heard = ear.tones()
    typer.echo("| tone at | speed | pitch, Hz | heard, Hz | after, ms |\n|---|---|---|---|---|")
    for (begun, place, speed), (end, *_) in pairwise(parts):
        if not speed:
            continue
        for moment, pitch in zip(_MOMENTS, _PITCHES, strict=True):
            due = begun + (moment - place) / speed
            if begun + _BEGINS <= due < end - 0.05:
                at, hertz = min(heard, key=lambda one, due=due: abs(one[0] - due), default=(nan, nan))  # type: ignore[misc]
                after = 1000 * (at - due)
                typer.echo(f"| {moment:.1f} s | {speed:g} | {pitch} | {hertz:.0f} | {after:.0f} |")


if __name__ == "__main__":
    typer.run(main)
