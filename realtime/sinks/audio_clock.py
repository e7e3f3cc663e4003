"""Time stamps of sound packets, corrected where they jump, go back, repeat or are missing."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from emotion.realtime.media import VideoInfo

T = TypeVar("T")

# Number of packets after a doubtful one that are used to decide about it.
_AHEAD = 3
# Tolerance in seconds between a packet's stamp and the end of the samples before it,
# and between later packets and a continuing clock, if the packets are not longer themselves.
_LOOSE, _NEAR = Fraction(1, 2), Fraction(3, 100)
# Sound and pictures do not jump at exactly the same time.
_SAME_JOINT_SECONDS = 1.5
# No clock of a broadcast begins later.
_LATEST_START_SECONDS = 27 * 3600
_BEHIND_THE_VIDEO_SECONDS = 10


@dataclass(slots=True)
class _Packet(Generic[T]):
    """One packet: its stamp in the file and its length, in units."""

    stamp: int | None
    length: int
    item: T


class AudioClock(Generic[T]):
    """Assigns increasing times to the packets of a track, synchronised with the pictures.

    Valid stamps are not changed. A packet with a wrong one is moved to the end of the samples before it.
    If the pictures' clock is reset, so is this one; a jump that the pictures do not have is removed,
    unless it is a pause within the video's time. If stamps are unusable the samples are counted.

    Args:
        time_base: seconds per unit of the stamps.
        info: of the video.

    Attributes:
        guessed: number of packets whose time follows from the samples before them.
        closed: number of removed jumps.
        dropped: number of packets left out because of overlap.
    """

    def __init__(self, time_base: Fraction, info: VideoInfo) -> None:
        self._base = time_base
        self._info = info
        self._begin = round(info.first_pts * info.time_base / time_base)
        self._loose, self._near = round(_LOOSE / time_base), round(_NEAR / time_base)
        self._offset = 0
        self._lost = False
        self._raw = 0
        self._last: int | None = None
        self._expected = self._begin
        self._held: deque[_Packet[T]] = deque()
        self.guessed = self.closed = self.dropped = 0

    def feed(self, stamp: int | None, length: int, item: T) -> Iterator[tuple[int, T]]:
        """Add the next packet; returns those whose times are known now, in units.

        Args:
            stamp: in the file, in units.
            length: in units, from its samples.
            item: is returned with the time.
        """
        self._held.append(_Packet(stamp, max(length, 1), item))
        while self._held and not (self._is_doubtful() and len(self._held) <= _AHEAD):
            yield from self._place()

    def flush(self) -> Iterator[tuple[int, T]]:
        """The remaining packets."""
        while self._held:
            yield from self._place()

    def _is_doubtful(self) -> bool:
        stamp = self._held[0].stamp
        if stamp is None or self._last is None or self._lost:
            return True
        moved = stamp + self._offset
        return moved <= self._last or abs(moved - self._expected) > self._loose

    def _place(self) -> Iterator[tuple[int, T]]:
        time = self._judge() if self._is_doubtful() else (self._held[0].stamp or 0) + self._offset
        packet = self._held.popleft()
        self._raw = self._raw if packet.stamp is None else packet.stamp
        if self._last is not None and time < self._expected - packet.length // 2 and time <= self._last:
            self.dropped += 1
            return
        time = time if self._last is None else max(time, self._last + 1)
        self._last, self._expected = time, time + packet.length
        yield time, packet.item

    def _judge(self) -> int:
        """The time of the first held packet, from those after it."""
        stamp = self._held[0].stamp
        if self._last is None:
            return self._start(stamp)
        if stamp is None:
            return self._expected
        moved = stamp + self._offset
        runs = self._others_fit(stamp, 0)
        if runs and self._last < moved and abs(moved - self._expected) <= self._loose:
            self._lost = False
            return moved
        if self._others_fit(self._expected, self._offset) or not runs:
            # Without others to compare, only consecutive stamps are trusted from here on.
            self._lost = not runs and len(self._held) > 1
            self.guessed += 1
            return self._expected
        self._lost = False
        return self._set_anew(stamp)

    def _start(self, stamp: int | None) -> int:
        runs = stamp is not None and (len(self._held) == 1 or self._others_fit(stamp, 0))
        absurd = stamp is not None and stamp * self._base > _LATEST_START_SECONDS
        if stamp is None or not runs or not (absurd or self._is_within_video(stamp)):
            self._lost = True
            self.guessed += stamp is not None
            return self._begin
        if absurd:
            self._offset = self._begin - stamp
            self.closed += 1
        return stamp + self._offset

    def _others_fit(self, begin: int, offset: int) -> bool:
        """Whether one of the packets after the first agrees with this begin of the first."""
        time = begin
        for before, packet in zip(self._held, list(self._held)[1:], strict=False):
            time += before.length
            near = max(self._near, before.length)
            if packet.stamp is None or packet.stamp + offset <= begin:
                continue
            if abs(packet.stamp + offset - time) <= near:
                return True
        return False

    def _set_anew(self, stamp: int) -> int:
        offset = self._pictures_offset(stamp)
        if offset is not None:
            self._offset = offset
            return stamp + offset
        moved = stamp + self._offset
        if not self._expected < moved or not self._is_within_video(moved):
            self.closed += 1
            self._offset = self._expected - stamp
        return stamp + self._offset

    def _pictures_offset(self, stamp: int) -> int | None:
        """The shift of the pictures after a joint at this position, in units."""
        before, after = float(self._raw * self._base), float(stamp * self._base)
        for joint in reversed(tuple(self._info.joints)):
            if max(abs(joint.before - before), abs(joint.after - after)) < _SAME_JOINT_SECONDS:
                return round(Fraction(joint.offset) / self._base)
        return None

    def _is_within_video(self, time: int) -> bool:
        length = self._info.duration_seconds
        begin = float(self._info.first_pts * self._info.time_base)
        seconds = float(time * self._base)
        if length is None:
            return seconds - float(self._expected * self._base) < _BEHIND_THE_VIDEO_SECONDS
        return seconds < begin + length + 1
