"""The sound of a live source as a track of its recording."""

from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from emotion.realtime.live_sound import SAMPLE_RATE, LiveSound, Samples, Sound

_BITS = 128_000
# With jitter below this, sound is one sequence of samples; else its own time is used.
_OUT_OF_STEP = SAMPLE_RATE // 10
# Sound that is later than this after its pictures is replaced by silence, since in an mp4 pictures wait
# for the other tracks.
_LATE_SECONDS = 1


class LiveAudioTrack:
    """Muxes the sound of a live source as AAC, each sample at its time.

    Missing sound is silence; repeated or late sound is left out.

    Args:
        sound: of the source.
        output: the container to which a stream is added.
        begin: the stream's time, in seconds, at which the mp4 begins.
    """

    def __init__(self, sound: LiveSound, output: OutputContainer, begin: float = 0.0) -> None:
        self._tap = sound.tap()
        self._origin = sound.origin + begin
        self._output = output
        self._stream: AudioStream = output.add_stream(
            "aac", rate=SAMPLE_RATE, layout="stereo", bit_rate=_BITS
        )
        self._written = 0

    def mux_until(self, seconds: Fraction | None) -> None:
        """Mux the sound so far; fill up with silence so that it is not far behind a time of the mp4."""
        for sound in self._tap.take():
            self._place(sound)
        if seconds is not None:
            self._add_silence(int((seconds - _LATE_SECONDS) * SAMPLE_RATE) - self._written)

    def finish(self) -> None:
        """Flush the coder. No sound may follow."""
        self._output.mux(self._stream.encode(None))

    def close(self) -> None:
        """Stop reading sound."""
        self._tap.close()

    def _place(self, sound: Sound) -> None:
        off = round((sound.seconds - self._origin) * SAMPLE_RATE) - self._written
        if off > _OUT_OF_STEP:
            self._add_silence(off)
        self._add(sound.samples[:, max(0, -off) if off < -_OUT_OF_STEP else 0 :])

    def _add_silence(self, count: int) -> None:
        while count > 0:
            piece = min(count, SAMPLE_RATE)
            self._add(np.zeros((2, piece), np.float32))
            count -= piece

    def _add(self, samples: Samples) -> None:
        if not samples.shape[1]:
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts, frame.time_base = self._written, Fraction(1, SAMPLE_RATE)
        self._written += frame.samples
        self._output.mux(self._stream.encode(frame))
