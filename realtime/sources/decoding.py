"""Decodes a file's pictures, and skips what cannot be decoded without losing its neighbours."""

import bisect
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from emotion.models.cores import available_cores
from emotion.realtime.errors import SourceError, advice_on

# More decoding threads need memory for a picture each, and the other stages need the cores.
_MAX_DECODING_THREADS = 4
# Passing a picture with so few pixels to a thread takes longer than decoding it. With so many pixels
# each thread needs 50 MB, and the other stages take longer than decoding.
_SMALL, _HUGE = 128 * 128, 4_000_000
# Limit of retries after an error of the demuxer.
_MOST_STUMBLES = 16
# The headers of a concatenated file in an Ogg: neither a picture nor damage.
_OGG_HEADERS = (b"OVP80", b"\x80theora", b"\x81theora", b"\x82theora")
# A damaged packet within this distance of the end may have caused the loss of whole pictures.
_LAST_PACKETS = 24

VideoPacket: TypeAlias = "Packet[VideoStream]"
MaybePacket: TypeAlias = "Packet[VideoStream] | None"


@dataclass(slots=True)
class Damage:
    """Decoding errors.

    Attributes:
        places: number of packets that could not be read or decoded.
        first: the time of the first, in seconds of the file's own clock.
    """

    places: int = 0
    first: float = 0.0

    def note(self, seconds: float) -> None:
        """Count another error."""
        if not self.places:
            self.first = seconds
        self.places += 1


@dataclass(slots=True)
class Positions:
    """Positions in the file and times of the packets of a track."""

    _bytes: "array[int]" = field(default_factory=lambda: array("q"))
    _seconds: "array[float]" = field(default_factory=lambda: array("d"))

    def note(self, position: int | None, seconds: float) -> None:
        """Add the next packet; one with a smaller position than the last is ignored."""
        if position is None or (self._bytes and position < self._bytes[-1]):
            return
        if self._bytes and position == self._bytes[-1]:
            self._seconds[-1] = seconds
            return
        self._bytes.append(position)
        self._seconds.append(seconds)

    def count_before(self, position: int) -> int:
        """The number of packets that begin before a byte position."""
        return bisect.bisect_left(self._bytes, position)

    def seconds_at(self, position: int) -> float | None:
        """The time of the last packet that begins before a byte position; None before the first."""
        at = bisect.bisect_left(self._bytes, position) - 1
        return self._seconds[at] if at >= 0 else None


class Decoder:
    """Decodes one track, and records errors.

    Args:
        container, stream: of the track.
        damage: earlier errors, if this continues another file.
        reopen: opens the file again, for the last pictures.
        numbers: the true stamps of packets by their byte positions, if the container only counts them.

    Attributes:
        damage: errors.
        packets: their number; corrupt: number of those that the demuxer marked as damaged.
        gone: error message if the machine, the disk or the network failed; else empty.
        advice: what to do about it.
        positions: of the packets.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        damage: Damage | None = None,
        reopen: Callable[[], InputContainer] | None = None,
        numbers: Mapping[int, int] | None = None,
    ) -> None:
        self._container = container
        self._stream = stream
        self._seconds = 0.0
        self._pictures = 0
        self._reopen = reopen
        self._numbers = numbers or {}
        self._shift = 0
        # The times of the last key frames; the last is too close to the end if later pictures refer beyond
        # it.
        self._keys: deque[int] = deque(maxlen=2)
        self._last: int | None = None
        self.damage = damage or Damage()
        self.packets = 0
        self.corrupt = 0
        self.gone = self.advice = ""
        self.positions = Positions()
        _only(container, stream)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = _threads_for(stream.codec_context)

    def pictures(self) -> Iterator[av.VideoFrame]:
        """All pictures that can be decoded, in display order."""
        for packet in self._packets():
            yield from self._decode(packet)
        yield from self._decode(None)
        # With several decoding threads, an error among the last packets causes the loss of whole pictures,
        # which libav does not report.
        if self._pictures < self.packets - self.damage.places or self.damage.places:
            yield from self._lost()

    def _packets(self) -> Iterator[VideoPacket]:
        stumbles = 0
        while stumbles < _MOST_STUMBLES:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size and not self._is_header(packet):
                        stumbles = 0
                        self._renumber(packet)
                        self._note(packet)
                        yield packet
            except IndexError:  # from PyAV at the end, if a track appeared during reading
                return
            except (av.FFmpegError, OSError) as error:
                stumbles += 1
                self._note_fault(error)
                if stumbles == 1:
                    self.damage.note(self._seconds)
            else:
                return

    def _renumber(self, packet: VideoPacket) -> None:
        if not self._numbers or packet.dts is None:
            return
        number = self._numbers.get(packet.pos or 0)
        self._shift = self._shift if number is None else number - packet.dts
        packet.dts += self._shift
        if packet.pts is not None:
            packet.pts += self._shift

    def _is_header(self, packet: VideoPacket) -> bool:
        return self._container.format.name == "ogg" and bytes(memoryview(packet)[:8]).startswith(_OGG_HEADERS)

    def _note(self, packet: VideoPacket) -> None:
        self._seconds = _seconds(packet.pts, packet.time_base, self._seconds)
        self.packets += not packet.is_discard
        self.corrupt += packet.is_corrupt
        self.positions.note(packet.pos, self._seconds)
        if packet.is_keyframe and (stamp := packet.pts if packet.dts is None else packet.dts) is not None:
            self._keys.append(stamp)

    def _decode(self, packet: MaybePacket) -> list[av.VideoFrame]:
        try:
            pictures = self._stream.decode(packet)
        except av.EOFError:
            return []
        except av.FFmpegError as error:
            self._note_fault(error)
            self.damage.note(self._seconds)
            return []
        self._pictures += len(pictures)
        if pictures and pictures[-1].pts is not None:
            self._last = pictures[-1].pts
        return pictures

    def _note_fault(self, error: av.FFmpegError | OSError) -> None:
        """Remember the first error that is not the file's own."""
        if not self.gone and (advice := advice_on(error)):
            self.gone, self.advice = str(error.strerror), advice

    def _lost(self) -> Iterator[av.VideoFrame]:
        """The pictures after the last one, decoded in one thread from the key frame before it.

        The file is opened again: kept packets would fragment the memory for pictures.
        """
        if self._reopen is None or not self._keys or self._last is None:
            return
        errors: list[tuple[int, float]] = []
        try:
            again = self._reopen()
        except SourceError:  # it does not exist any more
            return
        with again as container:
            if self._stream.index >= len(container.streams):  # the file was replaced
                return
            stream = container.streams[self._stream.index]
            if not isinstance(stream, VideoStream):
                return
            _only(container, stream)
            stream.codec_context.thread_count = 1
            count, known = 0, False
            for count, packet in enumerate(_packets_from(container, stream, self._keys[0]), start=1):
                self._renumber(packet)
                for picture in _decoded(stream, packet, count, errors):
                    if known and picture.pts is not None:
                        yield picture
                    known = known or picture.pts == self._last
        # Errors that lost pictures were not reported; a new decoder reports others before them.
        untold = [seconds for at, seconds in errors if at > count - _LAST_PACKETS]
        for seconds in untold[self.damage.places :]:
            self.damage.note(seconds)


def _threads_for(codec: VideoCodecContext) -> int:
    pixels, cores = codec.width * codec.height, available_cores()
    if 0 < pixels <= _SMALL:
        return 1
    return min(_MAX_DECODING_THREADS, cores if pixels < _HUGE else max(1, cores // 2))


def _only(container: InputContainer, stream: VideoStream) -> None:
    """Read no other track: damage to the sound may end a file for libav, but not for the pictures."""
    for other in container.streams:
        if other is not stream and other.index != stream.index:
            other.discard = Discard.all


def _packets_from(
    container: InputContainer, stream: VideoStream, begin: int
) -> Iterator["Packet[VideoStream]"]:
    """The readable packets from a key frame on, and one that flushes the decoder."""
    try:
        container.seek(begin, stream=stream)
        yield from container.demux(stream)
    except (av.FFmpegError, OSError, IndexError):
        return


def _decoded(
    stream: VideoStream, packet: "Packet[VideoStream]", at: int, errors: list[tuple[int, float]]
) -> list[av.VideoFrame]:
    try:
        return stream.decode(packet)
    except av.FFmpegError:
        errors.append((at, _seconds(packet.pts, packet.time_base, 0.0)))
        return []


def _seconds(pts: int | None, time_base: Fraction | None, default: float) -> float:
    return default if pts is None or time_base is None else float(pts * time_base)
