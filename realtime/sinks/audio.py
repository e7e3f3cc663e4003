"""The sound of a video, carried over into an mp4 beside its new pictures."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias, cast

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard

from emotion.realtime.media import Clock

# What players of mp4 files commonly understand. The container allows more (PCM, Vorbis, DTS),
# but then many play no sound.
COPIED = {"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"}
_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
_BITS_A_CHANNEL = 96_000

AudioPacket: TypeAlias = "Packet[AudioStream]"


class _Track(ABC):
    """One stream of sound on its way into the mp4."""

    def __init__(self, stream: AudioStream, origin: Fraction) -> None:
        self._time_base = stream.time_base or Fraction(1, stream.rate)
        self._origin = round(origin / self._time_base)
        self._clock = Clock(step=1, jump=round(1 / self._time_base))

    def place(self, packet: AudioPacket) -> Fraction:
        """Give a packet its time in the mp4 and return it in seconds."""
        stamp = packet.pts if packet.dts is None else packet.dts
        packet.pts = packet.dts = self._clock.tick(None if stamp is None else stamp - self._origin)
        return packet.pts * self._time_base

    @abstractmethod
    def take(self, packet: AudioPacket) -> list[AudioPacket]:
        """What goes into the mp4 for a packet that has its place."""

    def flush(self) -> list[AudioPacket]:
        """What is still to come after the last packet."""
        return []


class _Copied(_Track):
    """AudioTrack that goes into the mp4 as it is."""

    def __init__(self, stream: AudioStream, output: OutputContainer, origin: Fraction) -> None:
        super().__init__(stream, origin)
        self._stream = output.add_stream_from_template(stream)
        # In transport streams each packet of AAC says what it is; in an mp4 the track does.
        self._filter = None
        if stream.codec_context.name == "aac" and not stream.codec_context.extradata:
            self._filter = BitStreamFilterContext("aac_adtstoasc", stream)

    def take(self, packet: AudioPacket) -> list[AudioPacket]:
        try:
            packets = self._filter.filter(packet) if self._filter else [packet]
        except av.FFmpegError:
            return []
        for filtered in packets:
            filtered.stream = self._stream
        return cast(list[AudioPacket], packets)


class _Recoded(_Track):
    """AudioTrack that an mp4 cannot hold, or few players would play: decoded and coded as AAC."""

    def __init__(self, stream: AudioStream, output: OutputContainer, origin: Fraction) -> None:
        super().__init__(stream, origin)
        channels = min(stream.channels, 2)
        self._source = stream
        self._stream: AudioStream = output.add_stream(
            "aac",
            rate=stream.rate if stream.rate in _AAC_RATES else 48_000,
            layout=("mono", "stereo")[channels - 1],
            bit_rate=_BITS_A_CHANNEL * channels,
        )

    def take(self, packet: AudioPacket) -> list[AudioPacket]:
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            return []
        return [coded for frame in frames for coded in self._stream.encode(frame)]

    def flush(self) -> list[AudioPacket]:
        return self._stream.encode(None)


class AudioTrack:
    """Reads the sound of a file beside its pictures and muxes it up to any moment.

    AudioTrack that players of mp4 files know is copied bit by bit; the rest becomes AAC. Its place
    in time is that of the source, moved by `origin` like the pictures. Where it cannot be read
    on, it ends; that the file is damaged is the source's to say.

    Args:
        path: the video file.
        output: where a stream is added for each track, and muxed into.
        origin: the time of the source, in seconds, that becomes zero.

    Attributes:
        lost: how many tracks are left out, because nothing here can read them.
    """

    def __init__(self, path: Path, output: OutputContainer, origin: Fraction) -> None:
        self._output = output
        self._container = _open(path)
        self._tracks: dict[int, _Track] = {
            stream.index: _track(stream, output, origin)
            for stream in self._container.streams.audio
            if _is_playable(stream)
        }
        self.lost = len(self._container.streams.audio) - len(self._tracks)
        self._packets = self._read()
        self._next = next(self._packets, None)

    def mux_until(self, seconds: Fraction | None) -> None:
        """Mux what sounds before a moment of the mp4; all that is left for None."""
        while self._next and (seconds is None or self._next[0] < seconds):
            _, track, packet = self._next
            self._output.mux(track.take(packet))
            self._next = next(self._packets, None)

    def finish(self) -> None:
        """Mux what coders still hold. No sound may follow."""
        for track in self._tracks.values():
            self._output.mux(track.flush())

    def close(self) -> None:
        """Let the file go."""
        self._packets.close()
        self._container.close()

    def _read(self) -> Generator[tuple[Fraction, _Track, AudioPacket], None, None]:
        streams = [self._container.streams[index] for index in self._tracks]
        if not streams:  # which libav takes for all
            return
        try:
            for any_packet in self._container.demux(streams):
                packet = cast(AudioPacket, any_packet)
                if packet.size:
                    track = self._tracks[packet.stream_index]
                    yield track.place(packet), track, packet
        except av.FFmpegError:
            return


def _open(path: Path) -> InputContainer:
    container = av.open(
        str(path.absolute()), metadata_errors="replace", container_options={"protocol_whitelist": "file"}
    )
    for stream in container.streams:
        if stream.type != "audio":
            stream.discard = Discard.all
    return container


def _is_playable(stream: AudioStream) -> bool:
    # An mp4 is not begun before each of its tracks has something: an empty one would hold it up.
    has_decoder = getattr(stream, "codec_context", None) is not None
    return has_decoder and stream.duration != 0 and bool(stream.rate and stream.channels)


def _track(stream: AudioStream, output: OutputContainer, origin: Fraction) -> _Track:
    kind = _Copied if stream.codec_context.codec.canonical_name in COPIED else _Recoded
    return kind(stream, output, origin)
