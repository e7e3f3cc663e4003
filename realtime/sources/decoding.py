"""Decoding a file's pictures past whatever cannot be decoded, without losing those around it."""

import bisect
import os
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

# More decoding threads cost a picture of memory each, and the other stages need the cores.
_MAX_DECODING_THREADS = 4
# A demuxer that has stumbled is asked again, but not for ever.
_MOST_STUMBLES = 16
# What is kept to decode the last pictures once more: as many packets, and bytes, as this at most.
_MOST_KEPT, _MOST_KEPT_BYTES = 1200, 64 << 20
# What begins a file that was joined behind another in an Ogg: no picture, and no damage.
_OGG_HEADERS = (b"OVP80", b"\x80theora", b"\x81theora", b"\x82theora")
# A damaged packet so close to the end may have taken whole pictures with it.
_LAST_PACKETS = 24

VideoPacket: TypeAlias = "Packet[VideoStream]"
MaybePacket: TypeAlias = "Packet[VideoStream] | None"


@dataclass(slots=True)
class Damage:
    """What could not be read.

    Attributes:
        places: how many packets could not be read or decoded.
        first: the time of the first, in seconds by the file's own clock.
    """

    places: int = 0
    first: float = 0.0

    def note(self, seconds: float) -> None:
        """Count another place."""
        if not self.places:
            self.first = seconds
        self.places += 1


@dataclass(slots=True)
class Positions:
    """Where in the file the packets of a track lie, and when they are shown."""

    _bytes: "array[int]" = field(default_factory=lambda: array("q"))
    _seconds: "array[float]" = field(default_factory=lambda: array("d"))

    def note(self, position: int | None, seconds: float) -> None:
        """Take down the next packet; one that lies before the last is passed over."""
        if position is None or (self._bytes and position < self._bytes[-1]):
            return
        if self._bytes and position == self._bytes[-1]:
            self._seconds[-1] = seconds
            return
        self._bytes.append(position)
        self._seconds.append(seconds)

    def seconds_at(self, position: int) -> float | None:
        """When the last packet is shown that begins before a byte; None before the first."""
        at = bisect.bisect_left(self._bytes, position) - 1
        return self._seconds[at] if at >= 0 else None


class Decoder:
    """Decodes one track, and remembers what it could not decode.

    Args:
        container, stream: which.
        damage: what could not be read before, where this goes on from another file.

    Attributes:
        damage: what could not be read.
        packets: how many there were; corrupt: how many of them the demuxer marked as damaged.
        positions: where they lay.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, damage: Damage | None = None) -> None:
        self._container = container
        self._stream = stream
        self._seconds = 0.0
        self._pictures = 0
        self._kept = _Tail()
        self.damage = damage or Damage()
        self.packets = 0
        self.corrupt = 0
        self.positions = Positions()
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(_MAX_DECODING_THREADS, os.cpu_count() or 1)

    def pictures(self) -> Iterator[av.VideoFrame]:
        """Everything that can be decoded, in the order in which it is shown."""
        for packet in self._packets():
            yield from self._decode(packet)
        yield from self._decode(None)
        # Where several threads decode, an error among the last packets takes whole pictures along,
        # and libav does not even tell.
        if self._pictures < self.packets - self.damage.places or self.damage.places:
            yield from self._lost()

    def _packets(self) -> Iterator[VideoPacket]:
        stumbles = 0
        while stumbles < _MOST_STUMBLES:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size and not self._is_header(packet):
                        stumbles = 0
                        self._note(packet)
                        yield packet
            except IndexError:  # PyAV's, once all is read, where a track turned up on the way
                return
            except av.FFmpegError:
                stumbles += 1
                if stumbles == 1:
                    self.damage.note(self._seconds)
            else:
                return

    def _is_header(self, packet: VideoPacket) -> bool:
        return self._container.format.name == "ogg" and bytes(memoryview(packet)[:8]).startswith(_OGG_HEADERS)

    def _note(self, packet: VideoPacket) -> None:
        self._seconds = _seconds(packet.pts, packet.time_base, self._seconds)
        self.packets += 1
        self.corrupt += packet.is_corrupt
        self.positions.note(packet.pos, self._seconds)
        self._kept.add(packet)

    def _decode(self, packet: MaybePacket) -> list[av.VideoFrame]:
        try:
            pictures = self._stream.decode(packet)
        except av.EOFError:
            return []
        except av.FFmpegError:
            self.damage.note(self._seconds)
            return []
        self._pictures += len(pictures)
        for picture in pictures:
            self._kept.delivered(picture.pts)
        return pictures

    def _lost(self) -> Iterator[av.VideoFrame]:
        found = self._kept.decoded_again(self._stream)
        # The errors that cost them are those that went untold.
        for _ in range(len(self._kept.errors) - self.damage.places if self._kept.errors else 0):
            self.damage.note(self._kept.errors[-1])
        yield from found


class _Tail:
    """The last packets from a key frame on, to be decoded once more in one thread, picture by picture."""

    def __init__(self) -> None:
        self._packets: deque[VideoPacket] = deque()
        self._bytes = 0
        self._keys: deque[int] = deque()
        self._count = 0
        self._shown: deque[int | None] = deque(maxlen=_MOST_KEPT)
        self.errors: list[float] = []

    def add(self, packet: VideoPacket) -> None:
        """Keep a packet, and forget those before the last key frame but one."""
        if packet.is_keyframe:
            self._keys.append(self._count)
        self._packets.append(packet)
        self._bytes += packet.size
        self._count += 1
        if len(self._keys) > 2:
            self._keys.popleft()
            self._forget(self._count - len(self._packets), self._keys[0])
        elif len(self._packets) > _MOST_KEPT or self._bytes > _MOST_KEPT_BYTES:
            self._keys.clear()
            self._forget(0, len(self._packets))

    def delivered(self, pts: int | None) -> None:
        """Remember which pictures came."""
        self._shown.append(pts)

    def decoded_again(self, stream: VideoStream) -> list[av.VideoFrame]:
        """The pictures among the last that have not come; notes the times of what cannot be decoded."""
        shown = set(self._shown)
        if None in shown or not self._packets or not self._packets[0].is_keyframe:
            return []
        context = _plain_copy(stream)
        found = []
        for left, packet in zip(range(len(self._packets), 0, -1), self._packets, strict=True):
            found += self._decode(context, packet, left <= _LAST_PACKETS)
        found += self._decode(context, None, False)
        last = max((pts for pts in shown if pts is not None), default=0)
        return [picture for picture in found if picture.pts is not None and picture.pts > last]

    def _decode(self, context: VideoCodecContext, packet: MaybePacket, counts: bool) -> list[av.VideoFrame]:
        try:
            return context.decode(packet)
        except av.FFmpegError:
            if counts and packet is not None:
                self.errors.append(_seconds(packet.pts, packet.time_base, 0.0))
            return []

    def _forget(self, begin: int, end: int) -> None:
        for _ in range(end - begin):
            self._bytes -= self._packets.popleft().size


def _plain_copy(stream: VideoStream) -> VideoCodecContext:
    context = cast(VideoCodecContext, av.CodecContext.create(stream.codec_context.codec.name, "r"))
    context.extradata = stream.codec_context.extradata
    context.thread_count = 1
    return context


def _seconds(pts: int | None, time_base: Fraction | None, default: float) -> float:
    return default if pts is None or time_base is None else float(pts * time_base)
