"""Time stamps of sound packets, corrected where they jump, go back, repeat or are missing."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from emotion.realtime.media import VideoInfo

T = TypeVar("T")

# So many packets behind a doubtful one tell what it means.
_AHEAD = 3
# How far from where it follows from the samples before it a packet may be without a doubt, in seconds,
# and how near others must be to say that the clock runs on, if they are not longer themselves.
_LOOSE, _NEAR = Fraction(1, 2), Fraction(3, 100)
# Sound and pictures do not leap at the very same time.
_SAME_JOINT_SECONDS = 1.5
# No clock of a broadcast begins later.
_LATEST_START_SECONDS = 27 * 3600
_BEHIND_THE_VIDEO_SECONDS = 10


@dataclass(slots=True)
class _Packet(Generic[T]):
    """One packet: its stamp by the file and its length, in units."""

    stamp: int | None
    length: int
    item: T


class AudioClock(Generic[T]):
    """Gives the packets of a track times that grow and stay in step with the pictures.

    Good stamps pass unchanged. A bad one moves its own packet alone, to where the samples before it end.
    Where the pictures' clock is set anew, so is this one; a leap that the pictures do not make is closed,
    unless it is a pause within the video's time. Where stamps are no use the samples are counted.

    Args:
        time_base: seconds a unit of the stamps.
        info: of the video.

    Attributes:
        guessed: how many packets got a time by the samples before them.
        closed: how many leaps were closed.
        dropped: how many packets are left out, because others sound at their time.
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
        """Take the next packet; gives those whose time is clear by now, with their times in units.

        Args:
            stamp: by the file, in units.
            length: in units, from its samples.
            item: what is given back.
        """
        self._held.append(_Packet(stamp, max(length, 1), item))
        while self._held and not (self._is_doubtful() and len(self._held) <= _AHEAD):
            yield from self._place()

    def flush(self) -> Iterator[tuple[int, T]]:
        """The packets that waited for others."""
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
        """The time of the first packet that is held, by those behind it."""
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
            # Where no others tell, only those that follow one another are believed from here on.
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
        """Whether one of the packets behind the first is where it should be if that began at a time."""
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
        """By how much the pictures are moved behind a joint that lies here, in units."""
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
