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

# A stamp that differs from the time of arrival by more than this is wrong.
_OFF_SECONDS = 5.0


class SoundFeed:
    """Decodes one track of sound for recordings. Damage to it affects only the sound.

    Args:
        container: of the stream; its first track of sound that can be decoded is taken.
        sound: receives it; None if it is not needed.
    """

    def __init__(self, container: InputContainer, sound: LiveSound | None) -> None:
        playable = (one for one in container.streams.audio if getattr(one, "codec_context", None) is not None)
        self.stream: AudioStream | None = next(playable, None)
        self._sound = sound
        self._resampler: AudioResampler | None = None
        if sound is not None:
            sound.is_there = self.stream is not None

    def take(self, packet: "Packet[Any]", offset: float | None) -> None:
        """Decode a packet of the track; others are ignored.

        Args:
            packet: that has arrived.
            offset: in seconds, from its stamp to `time.monotonic()`; None if it is not known from the
                pictures yet.
        """
        if offset is None or self.stream is None or packet.stream is not self.stream:
            return
        if self._sound is None or not self._sound.wanted:
            return
        try:
            for frame in self.stream.decode(packet):
                self._give(frame, offset)
        except (av.FFmpegError, ValueError):  # damaged, or in another format
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
    """The sound of a file that is played as a live source, read in parallel to its pictures.

    Args:
        path: the file.
        sound: receives it.
    """

    # Seconds of read-ahead, since tracks are not exactly interleaved.
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
            offset: to `time.monotonic()`.
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
        except (av.FFmpegError, IndexError):  # the rest cannot be read
            self._packets = iter(())

    def close(self) -> None:
        """Close the file."""
        self._container.close()
