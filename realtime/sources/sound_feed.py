"""A live source's sound, decoded while its pictures are read."""

import time
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from emotion.realtime.live_sound import SAMPLE_RATE, LiveSound, Sound

# A stamp that says otherwise than the moment of arrival by more than this is wrong.
_OFF_SECONDS = 5.0


class SoundFeed:
    """Decodes one track of sound for whoever records it. Damage to it costs sound only.

    Args:
        container: of the stream; its first track of sound that can be decoded is taken.
        sound: where it goes; None where nobody may want it.
    """

    def __init__(self, container: InputContainer, sound: LiveSound | None) -> None:
        playable = (one for one in container.streams.audio if getattr(one, "codec_context", None) is not None)
        self.stream: AudioStream | None = next(playable, None)
        self._sound = sound
        self._resampler: AudioResampler | None = None
        if sound is not None:
            sound.is_there = self.stream is not None

    def take(self, packet: "Packet[Any]", offset: float | None) -> None:
        """Decode a packet of it; any other is passed over.

        Args:
            packet: what arrives now.
            offset: what is added to its stamp, in seconds, to give its moment by `time.monotonic()`; None
                where pictures have not told yet.
        """
        if offset is None or self.stream is None or packet.stream is not self.stream:
            return
        if self._sound is None or not self._sound.wanted:
            return
        try:
            for frame in self.stream.decode(packet):
                self._give(frame, offset)
        except (av.FFmpegError, ValueError):  # damaged, or all at once of another kind
            self._resampler = None

    def _give(self, frame: AudioFrame, offset: float) -> None:
        now = time.monotonic()
        moment = now
        if frame.pts is not None and frame.time_base:
            moment = float(frame.pts * Fraction(frame.time_base)) + offset
        if abs(moment - now) > _OFF_SECONDS:
            moment = now
        frame.pts = None
        if self._resampler is None:
            self._resampler = AudioResampler("fltp", "stereo", SAMPLE_RATE)
        pieces = [np.asarray(one.to_ndarray(), np.float32) for one in self._resampler.resample(frame)]
        if pieces and self._sound is not None:
            samples = np.nan_to_num(np.concatenate(pieces, axis=1), nan=0.0, posinf=0.0, neginf=0.0)
            self._sound.put(Sound(moment, samples))


class FileSound:
    """The sound of a file that is played as if it were live, read beside its pictures.

    Args:
        path: the file.
        sound: where it goes.
    """

    # So far ahead of the pictures it is read, since tracks do not lie side by side.
    _AHEAD_SECONDS = 0.5

    def __init__(self, path: str, sound: LiveSound) -> None:
        self._container = av.open(
            path, metadata_errors="replace", container_options={"protocol_whitelist": "file"}
        )
        self._feed = SoundFeed(self._container, sound)
        for stream in self._container.streams:
            if stream is not self._feed.stream:
                stream.discard = Discard.all
        self._packets = self._container.demux(self._feed.stream) if self._feed.stream else iter(())
        self._read_until = float("-inf")

    def read(self, seconds: float, offset: float) -> None:
        """Read on up to a picture.

        Args:
            seconds: the picture's, by the file's clock.
            offset: what is added to give its moment by `time.monotonic()`.
        """
        try:
            while self._read_until < seconds + self._AHEAD_SECONDS:
                packet = next(self._packets, None)
                if packet is None:
                    break
                if packet.pts is not None:
                    self._read_until = float(packet.pts * packet.time_base)
                if packet.size:
                    self._feed.take(packet, offset)
        except (av.FFmpegError, IndexError):  # what follows cannot be read
            self._packets = iter(())

    def close(self) -> None:
        """Let the file go."""
        self._container.close()
