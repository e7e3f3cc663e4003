"""A continuous timeline for pictures whose time stamps overlap, jump, go back, repeat or are missing."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Generic, TypeVar

from emotion.realtime.media import Joint

T = TypeVar("T")

# Number of pictures that are used to decide about a doubtful stamp; valid ones are not delayed.
_AHEAD = 16
# If a stamp returns to its place after so few others, the others were wrong.
_FEW = 3
# Maximum interval of regular pictures, in steps or in seconds.
_REGULAR_STEPS, _REGULAR_SECONDS = 5, Fraction(1, 4)
# The clock of a broadcast has 33 bits at 90 kHz, so its largest time is 26.5 hours.
_LATEST_START_SECONDS = 27 * 3600


@dataclass(slots=True)
class Mends:
    """The corrections.

    Attributes:
        joints: positions at which the clock was reset; appended to while it is read.
        guessed: number of pictures with an assigned time because theirs is missing or impossible.
        first_guess: the time of the first of them, in seconds.
        missing: number of the first pictures without a time, which are not counted.
    """

    joints: list[Joint] = field(default_factory=list)
    guessed: int = 0
    first_guess: float = 0.0
    missing: int = 0

    def sentences(self) -> list[str]:
        """One sentence for each kind of correction, without a full stop; none if all stamps were valid."""
        found = []
        if self.joints:
            places = ", ".join(clock(joint.at) for joint in self.joints[:3])
            more = f" and {len(self.joints) - 3} more places" if len(self.joints) > 3 else ""
            found.append(f"its clock is reset at {places}{more}: later frames continue without a gap")
        # A single one is usually the last, which decoders return without its time.
        if self.guessed > 1:
            where = clock(self.first_guess)
            found.append(f"{self.guessed} frames have no valid time stamp, from {where} on: it is estimated")
        return found


class Timeline(Generic[T]):
    """Assigns each picture a time that is later than the last; valid stamps are not changed.

    Later stamps decide about a doubtful one. A single wrong stamp is
    put between its neighbours. If the clock was reset (concatenated files, a
    restarted counter) all later stamps are shifted to continue by one step; a jump forward is a gap
    that is kept unless it is too long. If stamps are unusable each picture is one step later.

    Args:
        time_base: seconds per unit of the stamps.
        step: mean time between pictures, in units.
        longest_gap: in seconds; a longer jump is a reset of the clock.
        start: the first time if the first stamps are unusable, in units.

    Attributes:
        mends: the corrections so far.
        start_is_known: whether the first stamp was valid.
    """

    def __init__(self, time_base: Fraction, step: int, longest_gap: float, start: int = 0) -> None:
        self._base = time_base
        self._step = max(step, 1)
        self._longest = max(round(Fraction(longest_gap) / time_base), 20 * self._step)
        self._regular = max(_REGULAR_STEPS * self._step, round(_REGULAR_SECONDS / time_base))
        self._start = start
        self._offset = 0
        self._raw = 0
        self._lost = False
        self.start_is_known = True
        self._last: int | None = None
        self.mends = Mends()

    def place(self, pictures: Iterator[T], stamp_of: Callable[[T], int | None]) -> Iterator[tuple[int, T]]:
        """Each picture with its time, in units; the same pictures in the same order."""
        held: deque[tuple[int | None, T]] = deque()
        stamped = ((stamp_of(picture), picture) for picture in pictures)
        while True:
            held.extend(itertools.islice(stamped, self._wanted(held)))
            if not held:
                return
            if self._is_doubtful(held):
                held.extend(itertools.islice(stamped, _AHEAD - len(held)))
                time = self._estimate([stamp for stamp, _ in held])
            else:
                time = (held[0][0] or 0) + self._offset
            stamp, picture = held.popleft()
            self._last, self._raw = time, self._raw if stamp is None else stamp
            yield time, picture

    def _wanted(self, held: Sequence[tuple[int | None, T]]) -> int:
        # The second stamp decides whether the first is valid.
        return max(0, (2 if self._last is None else 1) - len(held))

    def _is_doubtful(self, held: Sequence[tuple[int | None, T]]) -> bool:
        stamp = held[0][0]
        if stamp is None:
            return True
        if self._last is not None:
            return not 0 < stamp + self._offset - self._last <= self._regular
        if stamp * self._base > _LATEST_START_SECONDS:
            return True
        second = held[1][0] if len(held) > 1 else stamp + 1
        return second is None or not 0 < second - stamp <= self._regular

    def _estimate(self, stamps: list[int | None]) -> int:
        """The time of the first picture, whose stamp is doubtful, from later ones."""
        if self._last is None:
            return self._begin(stamps)
        was_lost, self._lost = self._lost, False
        moved = [None if stamp is None else stamp + self._offset for stamp in stamps]
        # If the last stamps were unusable, a single one at the end is, too.
        sure = len(stamps) > 1 or not was_lost
        if sure and moved[0] is not None and self._is_gap(moved[0], moved[1:2]):
            return moved[0]
        if (back := self._back_in_place(moved)) is not None:
            return self._guess(back, stamps[0])
        if self._goes_on(moved):
            return self._join(stamps[0] or 0)
        self._lost = True
        return self._guess(self._next_known(moved), stamps[0])

    def _begin(self, stamps: list[int | None]) -> int:
        first = stamps[0]
        if first is None or not _grows(stamps[:_FEW]):
            self._lost, self.start_is_known = True, False
            # Decreasing stamps do not define the beginning either.
            begin = self._start if first is None or self._start < first else 0
            return self._guess(begin, first)
        if first * self._base > _LATEST_START_SECONDS:
            self.start_is_known = False
            self._offset = -first
        return first + self._offset

    def _is_gap(self, time: int, following: list[int | None]) -> bool:
        """Whether a jump forward is a gap to keep: later stamps must not be within it."""
        last = self._last or 0
        if not 0 < time - last <= self._longest:
            return False
        return not any(after is not None and last < after <= time for after in following)

    def _back_in_place(self, moved: list[int | None]) -> int | None:
        """An interpolated time up to the next valid stamp of a later picture."""
        last = self._last or 0
        for ahead, time in enumerate(moved[1 : _FEW + 1], start=1):
            if time is None or time <= last:
                continue
            expected = last + (ahead + 1) * self._step
            if abs(time - expected) <= self._step * (2 + ahead) // 2:
                return last + max(1, (time - last) // (ahead + 1))
            # A jump that is reversed at once: only the jump was wrong.
            after = moved[2] if len(moved) > 2 else None
            if ahead == 1 and time < (moved[0] or 0) and time < (after or 0):
                return last + max(1, min(self._step, (time - last) // 2))
        return None

    def _goes_on(self, moved: list[int | None]) -> bool:
        """Whether the first stamps are those of a running clock, though not of the previous one."""
        few = moved[:_FEW]
        if len(few) < 2 or None in few:
            return False
        return all(0 < (b or 0) - (a or 0) <= self._regular for a, b in itertools.pairwise(few))

    def _join(self, stamp: int) -> int:
        time = (self._last or 0) + self._step
        self._offset = time - stamp
        self.mends.joints.append(
            Joint(
                before=float(self._raw * self._base),
                after=float(stamp * self._base),
                at=float(time * self._base),
                offset=float(self._offset * self._base),
            )
        )
        return time

    def _next_known(self, moved: list[int | None]) -> int:
        last = self._last or 0
        for ahead, time in enumerate(moved[1:], start=1):
            if time is not None and 0 < time - last <= self._longest:
                return last + max(1, min(self._step, (time - last) // (ahead + 1)))
        return last + self._step

    def _guess(self, time: int, stamp: int | None) -> int:
        if stamp is None and self.mends.missing < _AHEAD:
            # Decoders delay the last few pictures, some without their times.
            self.mends.missing += 1
            return time
        if not self.mends.guessed:
            self.mends.first_guess = float(time * self._base)
        self.mends.guessed += 1
        return time


def _grows(stamps: list[int | None]) -> bool:
    """Whether none is missing, each later than the one before."""
    if None in stamps:
        return False
    return all((a or 0) < (b or 0) for a, b in itertools.pairwise(stamps))


def clock(seconds: float) -> str:
    """Minutes and seconds, with a tenth: ``0:05.2``."""
    tenths = round(max(0.0, seconds) * 10)
    return f"{tenths // 600}:{tenths % 600 // 10:02d}.{tenths % 10}"
