"""The rule that chooses a label from smoothed probabilities: causal, or with later frames.

The label is the emotion with the largest share; or the previous label, while the largest share exceeds its
share by at most `margin`; or `uncertain`. So it never contradicts the shares.

Within the margin the label changes when another emotion leads for `dwell` seconds, and by `lead` at some time
in them. It becomes `uncertain` when no share has reached `doubtful` for the dwell time, and ends that when a
share reached `certain` and the largest never fell below `doubtful` in that time (hysteresis, as in a Schmitt
trigger). Live, the dwell time has to pass first; with later frames the label changes where the lead begins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emotion.models.classes import UNCERTAIN, Classes
from emotion.realtime.messages import Probabilities
from emotion.realtime.stages.options import VoteOptions

UNSURE = -1
"""The index for `uncertain`."""

# Times of files are rounded.
_TINY = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The input of the rule at one time.

    Attributes:
        seconds: the time, which never decreases.
        shares: float32 (k,), smoothed; None if unknown.
    """

    seconds: float
    shares: Probabilities | None

    @property
    def best(self) -> int:
        """The emotion with the largest share; `UNSURE` if unknown."""
        return UNSURE if self.shares is None else int(self.shares.argmax())

    @property
    def most(self) -> float:
        """The largest share; 0 if unknown."""
        return 0.0 if self.shares is None else float(self.shares.max())

    def ahead_of(self, word: int) -> float:
        """The difference between the largest share and that of an emotion."""
        return 0.0 if self.shares is None else float(self.shares.max() - self.shares[word])


class _Clock:
    """The time since which a condition has held without interruption."""

    def __init__(self, dwell: float) -> None:
        self._dwell = dwell
        self._since = 0.0
        self.what: int | None = None

    def note(self, what: int | None, now: float, last: float) -> None:
        """Set the condition, or None. If results are rare, it is assumed to hold since the last one."""
        if what is not None and what != self.what:
            self._since = last if now - last >= self._dwell else now
        self.what = what

    def lasts(self, now: float, following: Sequence[Moment], still: Callable[[Moment], bool]) -> bool:
        """Whether it has held for the dwell time, or will, as far as later results are known."""
        end = now
        for moment in following:
            end = moment.seconds
            if not still(moment) or end - self._since >= self._dwell:
                break
        return end - self._since >= self._dwell - _TINY


def word_of(index: int, classes: Classes) -> str:
    """The label of an index."""
    return UNCERTAIN if index == UNSURE else classes[index]


class LabelRule:
    """The label of one person over time.

    Args:
        options: thresholds; see `VoteOptions`.
    """

    def __init__(self, options: VoteOptions) -> None:
        self._options = options
        self._word: int | None = None
        self._since = 0.0
        self._last = 0.0
        self._rival, self._doubt = _Clock(options.dwell), _Clock(options.dwell)
        self._lead = 0.0

    def update(self, now: Moment, following: Sequence[Moment] = ()) -> tuple[int, float]:
        """The label, an emotion's index or `UNSURE`, and the time since which it holds.

        Args:
            now: this moment.
            following: the next ones that are known, in order; empty for live sources.
        """
        word = self._choose(now, following)
        if word != self._word:
            self._word, self._since = word, now.seconds
            self._rival.what = self._doubt.what = None
        self._last = now.seconds
        return word, self._since

    def _choose(self, now: Moment, following: Sequence[Moment]) -> int:
        if now.shares is None:
            return UNSURE
        if self._word is None:
            return self._first([now, *following])
        if self._word == UNSURE:
            return now.best if self._becomes_sure(now, following) else UNSURE
        if self._becomes_unsure(now, following):
            return UNSURE
        return self._between(self._word, now, following)

    def _first(self, known: Sequence[Moment]) -> int:
        """The initial label, which depends on the first dwell time, as far as it is known."""
        soon = (moment for moment in known if moment.seconds - known[0].seconds <= self._options.dwell)
        return known[0].best if any(moment.most >= self._options.certain for moment in soon) else UNSURE

    def _becomes_sure(self, now: Moment, following: Sequence[Moment]) -> bool:
        begun = self._doubt.what is not None
        sure = now.most >= (self._options.doubtful if begun else self._options.certain)
        self._doubt.note(0 if sure else None, now.seconds, self._last)
        return sure and self._doubt.lasts(now.seconds, following, lambda moment: not self._weak(moment))

    def _becomes_unsure(self, now: Moment, following: Sequence[Moment]) -> bool:
        weak = self._weak(now)
        self._doubt.note(UNSURE if weak else None, now.seconds, self._last)
        return weak and self._doubt.lasts(now.seconds, following, self._weak)

    def _weak(self, moment: Moment) -> bool:
        return moment.most < self._options.doubtful

    def _between(self, word: int, now: Moment, following: Sequence[Moment]) -> int:
        """The previous label, or the emotion that leads."""
        ahead = now.ahead_of(word)
        rival = now.best if ahead > 0 else None
        self._lead = max(ahead, self._lead if rival == self._rival.what else 0.0)
        self._rival.note(rival, now.seconds, self._last)
        if rival is None:
            return word
        if self._takes_over(word, rival, now, following):
            return rival
        if ahead <= self._options.margin:
            return word
        return UNSURE if self._weak(now) else rival

    def _takes_over(self, word: int, rival: int, now: Moment, following: Sequence[Moment]) -> bool:
        """Whether an emotion leads for long enough, and clearly at some time."""
        lead = self._lead

        def still(moment: Moment) -> bool:
            nonlocal lead
            leads = moment.best == rival
            lead = max(lead, moment.ahead_of(word) if leads else 0.0)
            return leads

        return self._rival.lasts(now.seconds, following, still) and lead >= self._options.lead
