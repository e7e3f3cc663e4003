"""Copies a video's sound into an mp4 with its new pictures."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard

from emotion.realtime.errors import is_gone
from emotion.realtime.media import VideoInfo
from emotion.realtime.sinks.audio_clock import AudioClock

# Codecs that most players of mp4 files support. The container allows more (PCM, Vorbis, DTS), but many
# players have no sound then.
COPIED = {"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"}
_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
_BITS_A_CHANNEL = 96_000
# A packet with a duration of zero, or longer than this, is wrong.
_LONGEST_PACKET_SECONDS = 10
_USUAL_SAMPLES = 1024
# Re-encoded sound is one sequence of samples: longer pauses become silence, and repeated sound is dropped.
_OUT_OF_STEP_SECONDS = Fraction(1, 10)
# The number of packets that are read to see which tracks can be decoded.
_PROBED_PACKETS = 64
ALL_TRACKS = 32
# Errors of libav's muxer for a wrong packet; its other errors concern the file.
_REFUSED = (av.InvalidDataError, av.ArgumentError)

AudioPacket: TypeAlias = "Packet[AudioStream]"


@dataclass(frozen=True, slots=True)
class _PlacedPacket:
    """A packet with its time in the mp4, in seconds."""

    seconds: Fraction
    track: "_Track"
    packet: AudioPacket


class _Track(ABC):
    """One track of sound that is copied into the mp4."""

    def __init__(self, stream: AudioStream, info: VideoInfo) -> None:
        self._info = info
        self._base = stream.time_base or Fraction(1, stream.rate)
        self._origin = round(info.origin * info.time_base / self._base)
        samples = stream.codec_context.frame_size or _USUAL_SAMPLES
        self._usual = max(1, round(Fraction(samples, stream.rate) / self._base))
        self.clock: AudioClock[AudioPacket] = AudioClock(self._base, info)
        self.unread = 0
        self.ended = False

    def place(self, packet: AudioPacket) -> Iterator[_PlacedPacket]:
        """Add the next packet; returns those whose times are known now."""
        stamp = packet.pts if packet.dts is None else packet.dts
        if stamp is not None and self._info.holes:
            stamp += round(Fraction(self._info.early_by(packet.pos or 0)) / self._base)
        length = packet.duration or 0
        if not 0 < length * self._base < _LONGEST_PACKET_SECONDS:
            length = self._usual
        packet.duration = length
        yield from self._placed(self.clock.feed(stamp, length, packet))

    def place_rest(self) -> Iterator[_PlacedPacket]:
        """The packets that waited for others, at the end."""
        yield from self._placed(self.clock.flush())

    def _placed(self, packets: Iterator[tuple[int, AudioPacket]]) -> Iterator[_PlacedPacket]:
        for time, packet in packets:
            packet.pts = packet.dts = time - self._origin
            packet.time_base = self._base
            yield _PlacedPacket(packet.pts * self._base, self, packet)

    @abstractmethod
    def take(self, packet: AudioPacket) -> list[AudioPacket]:
        """The packets to write into the mp4 for one of the source."""

    def flush(self) -> list[AudioPacket]:
        """Further packets to write after the last one of the source."""
        return []


class _Copied(_Track):
    """A track whose packets are copied unchanged."""

    def __init__(self, stream: AudioStream, output: OutputContainer, info: VideoInfo) -> None:
        super().__init__(stream, info)
        self._source = stream
        self._stream = output.add_stream_from_template(stream)
        _keep_language(stream, self._stream)
        # In transport streams each AAC packet has a header; in an mp4 the track has one.
        self._filter = None
        if stream.codec_context.name == "aac" and not stream.codec_context.extradata:
            self._filter = BitStreamFilterContext("aac_adtstoasc", stream)

    def take(self, packet: AudioPacket) -> list[AudioPacket]:
        try:
            # Some players stop at packets that cannot be decoded.
            self._source.decode(packet)
            packets = self._filter.filter(packet) if self._filter else [packet]
        except av.FFmpegError:
            self.unread += 1
            return []
        for filtered in packets:
            filtered.stream = self._stream
        return cast(list[AudioPacket], packets)


class _Recoded(_Track):
    """A track that is re-encoded as AAC, because an mp4 cannot hold it or few players support it."""

    def __init__(self, stream: AudioStream, output: OutputContainer, info: VideoInfo) -> None:
        super().__init__(stream, info)
        channels = min(stream.channels, 2)
        self._source = stream
        self._rate = stream.rate if stream.rate in _AAC_RATES else 48_000
        self._layout = ("mono", "stereo")[channels - 1]
        self._stream: AudioStream = output.add_stream(
            "aac", rate=self._rate, layout=self._layout, bit_rate=_BITS_A_CHANNEL * channels
        )
        _keep_language(stream, self._stream)
        self._resampler: AudioResampler | None = None
        self._kind: tuple[str, str, int] | None = None
        self._written: int | None = None

    def take(self, packet: AudioPacket) -> list[AudioPacket]:
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            self.unread += 1
            return []
        return [coded for frame in frames for coded in self._coded(frame)]

    def flush(self) -> list[AudioPacket]:
        rest = self._resampler.resample(None) if self._resampler and self._written is not None else []
        return [coded for frame in rest for coded in self._encode(frame)] + self._stream.encode(None)

    def _coded(self, frame: AudioFrame) -> list[AudioPacket]:
        if not frame.samples or not frame.sample_rate:
            return []
        coded = []
        if frame.pts is not None and frame.time_base:
            begin = round(frame.pts * frame.time_base * self._rate)
            if self._written is None:
                self._written = begin
            off = begin - self._written
            if off < -_OUT_OF_STEP_SECONDS * self._rate:
                return []
            if off > _OUT_OF_STEP_SECONDS * self._rate:
                coded += self._silence(off)
        for resampled in self._resampled(frame):
            coded += self._encode(resampled)
        return coded

    def _resampled(self, frame: AudioFrame) -> list[AudioFrame]:
        """The frame in the encoder's format. A damaged one may have another rate or number of channels."""
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        frame.pts = None
        rest: list[AudioFrame] = []
        try:
            if kind != self._kind or self._resampler is None:
                if self._resampler is not None:
                    rest = self._resampler.resample(None)
                self._resampler = AudioResampler("fltp", self._layout, self._rate)
                self._kind = kind
            return rest + self._resampler.resample(frame)
        except (av.FFmpegError, ValueError):
            self._resampler, self._kind = None, None
            self.unread += 1
            return rest

    def _silence(self, samples: int) -> list[AudioPacket]:
        coded = []
        while samples > 0:
            count = min(samples, self._rate)
            shape = (len(AudioFrame(layout=self._layout, samples=1, format="fltp").layout.channels), count)
            quiet = AudioFrame.from_ndarray(np.zeros(shape, np.float32), format="fltp", layout=self._layout)
            quiet.sample_rate = self._rate
            coded += self._encode(quiet)
            samples -= count
        return coded

    def _encode(self, frame: AudioFrame) -> list[AudioPacket]:
        samples = np.asarray(frame.to_ndarray(), np.float32)
        if not np.isfinite(samples).all():
            frame = AudioFrame.from_ndarray(
                np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), format="fltp", layout=self._layout
            )
            frame.sample_rate = self._rate
        self._written = self._written or 0
        frame.pts, frame.time_base = self._written, Fraction(1, self._rate)
        self._written += frame.samples
        try:
            return self._stream.encode(frame)
        except av.FFmpegError:
            self.unread += 1
            return []


class AudioTrack:
    """Reads the sound of a file and muxes it into the mp4, up to a given time.

    Codecs that players of mp4 files support are copied; others are re-encoded as AAC. Times are those of the
    source, moved by `origin` like those of the pictures, and checked before anything is written: see
    `AudioClock`. Sound that cannot be kept is left out, with a note in the video's notes; the pictures are
    always kept.

    Args:
        info: of the video; the sound is read from its `path`.
        output: a stream is added to it for each track.
        most: the most tracks.
    """

    def __init__(self, info: VideoInfo, output: OutputContainer, most: int = ALL_TRACKS) -> None:
        if info.path is None:
            raise ValueError("a camera has no file with sound")
        self._info = info
        self._path = info.path
        self._output = output
        self._container = _open(self._path)
        readable = _readable(self._path)
        self._tracks: dict[int, _Track] = {}
        self._lost = 0
        for stream in self._container.streams.audio:
            wanted = stream.index in readable and len(self._tracks) < most
            track = _track(stream, output, info) if wanted else None
            if track is None:
                self._lost += 1
            else:
                self._tracks[stream.index] = track
        self._parts = 1
        self._packets = self._read()
        self._waiting: deque[_PlacedPacket] = deque()

    def mux_until(self, seconds: Fraction | None) -> None:
        """Mux the sound before a time of the mp4; with None all the rest."""
        while self._has_next() and (seconds is None or self._waiting[0].seconds < seconds):
            sounding = self._waiting.popleft()
            before = self._info.begin_pts is not None and sounding.seconds < 0
            if not before and not sounding.track.ended:
                self._mux(sounding.track, sounding.track.take(sounding.packet))

    def finish(self) -> None:
        """Flush the coders, and report corrections. No sound may follow."""
        for track in self._tracks.values():
            if not track.ended:
                self._mux(track, track.flush())
        for sentence in self._sentences():
            self._info.notes.add(f"{self._path.name}: {sentence}.")

    def close(self) -> None:
        """Close the file."""
        self._packets.close()
        self._container.close()

    def _has_next(self) -> bool:
        while not self._waiting:
            following = next(self._packets, None)
            if following is not None:
                self._waiting.append(following)
            elif not self._go_on():
                return False
        return True

    def _mux(self, track: _Track, packets: list[AudioPacket]) -> None:
        try:
            self._output.mux(packets)
        except _REFUSED:
            track.ended = True

    def _read(self) -> Generator[_PlacedPacket, None, None]:
        streams = [self._container.streams[index] for index in self._tracks]
        if not streams:  # for libav this means all
            return
        try:
            for any_packet in self._container.demux(streams):
                packet = cast(AudioPacket, any_packet)
                if packet.size:
                    yield from self._tracks[packet.stream_index].place(packet)
        except (av.FFmpegError, OSError) as error:
            if is_gone(error):
                self._info.notes.add(
                    f"{self._path.name}: its sound could not be read to its end ({error.strerror})."
                )
        except IndexError:  # from PyAV at the end, if a track appeared during reading
            self._info.notes.add(
                f"{self._path.name}: a track that is not announced turns up on the way, and is left out."
            )
        for track in self._tracks.values():
            yield from track.place_rest()

    def _go_on(self) -> bool:
        """Continue with an appended file, once its pictures are read; False if there is none."""
        parts = tuple(self._info.parts)
        if self._parts >= len(parts) or not self._tracks:
            return False
        begin = parts[self._parts]
        self._parts += 1
        try:
            container = _open(self._path, begin)
        except (av.FFmpegError, OSError):
            return False
        kinds = [
            [(s.index, s.codec_context.name, s.codec_context.extradata) for s in c.streams.audio]
            for c in (self._container, container)
        ]
        if kinds[0] != kinds[1]:
            self._info.notes.add(
                f"{self._path.name}: the sound of the file joined behind is another, and is left out."
            )
            container.close()
            return False
        self._container.close()
        self._container = container
        self._packets = self._read()
        return True

    def _sentences(self) -> Iterator[str]:
        tracks = self._tracks.values()
        if self._lost:
            count = "a track" if self._lost == 1 else f"{self._lost} tracks"
            yield f"{count} of its sound cannot be read here, and is left out"
        if any(track.ended for track in tracks):
            yield "its sound cannot be written to an mp4 from some place on, and is left out there"
        if guessed := sum(track.clock.guessed for track in tracks):
            yield f"{_packets(guessed, 'has', 'have')} no valid time stamp: it is estimated"
        if closed := sum(track.clock.closed for track in tracks):
            places = "a place" if closed == 1 else f"{closed} places"
            yield f"the clock of its sound is reset in {places} where the pictures' is not: closed"
        if left_out := sum(track.unread + track.clock.dropped for track in tracks):
            yield f"{_packets(left_out, 'is', 'are')} left out, as damaged or at a time that others have"


def _packets(count: int, one: str, many: str) -> str:
    return f"a packet of its sound {one}" if count == 1 else f"{count} packets of its sound {many}"


def _open(path: Path, begin: int = 0) -> InputContainer:
    where = str(path.absolute())
    container = av.open(
        f"subfile,,start,{begin},end,0,,:{where}" if begin else where,
        metadata_errors="replace",
        container_options={"protocol_whitelist": "file,subfile" if begin else "file"},
    )
    for stream in container.streams:
        if stream.type != "audio":
            stream.discard = Discard.all
    return container


def _readable(path: Path) -> set[int]:
    """The tracks of sound that can be decoded, from the beginning of the file."""
    with _open(path) as container:
        streams = [stream for stream in container.streams.audio if _is_playable(stream)]
        tried: dict[int, int] = {}
        good: set[int] = set()
        try:
            for count, packet in enumerate(container.demux(streams) if streams else ()):
                if count >= _PROBED_PACKETS or len(good) == len(streams):
                    break
                if packet.size and packet.stream_index not in good:
                    tried[packet.stream_index] = tried.get(packet.stream_index, 0) + 1
                    if _decodes(cast(AudioPacket, packet)):
                        good.add(packet.stream_index)
        except (av.FFmpegError, IndexError):
            pass
        return {stream.index for stream in streams if stream.index in good or stream.index not in tried}


def _decodes(packet: "Packet[AudioStream]") -> bool:
    try:
        return bool(packet.decode())
    except av.FFmpegError:
        return False


def _is_playable(stream: AudioStream) -> bool:
    # The muxer of mp4 waits until each track has a packet: an empty one would block it.
    has_decoder = getattr(stream, "codec_context", None) is not None
    return has_decoder and stream.duration != 0 and bool(stream.rate and stream.channels)


def _track(stream: AudioStream, output: OutputContainer, info: VideoInfo) -> _Track | None:
    kind = _Copied if stream.codec_context.codec.canonical_name in COPIED else _Recoded
    try:
        return kind(stream, output, info)
    except (av.FFmpegError, ValueError):
        return None


def _keep_language(source: AudioStream, copy: AudioStream) -> None:
    """Copy the language of a track from its source, if there is one."""
    if language := source.metadata.get("language"):
        copy.metadata["language"] = language
