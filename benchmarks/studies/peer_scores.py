"""Scores of several programs on the same labelled photographs, and the paired differences between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.classes import EMOTIONS
from emotion.models.statistics.intervals import Interval, Weights, bootstrap

MISSED, OTHER = -1, -2
"""No face was detected; an emotion that is none of the six."""
OURS = "emotion-live"
_WORDS = {
    "angry": "anger",
    "happy": "happiness",
    "sad": "sadness",
    "fearful": "fear",
    "surprised": "surprise",
}
Predicted = npt.NDArray[np.int64]
"""Of a program, int64 (n,): classes by index, `MISSED` or `OTHER`."""


@dataclass(frozen=True, slots=True)
class Row:
    """A program's scores on one set. A missed face is a wrong prediction.

    Attributes:
        program: its name, and its way of detection.
        accuracy: share of correct predictions.
        balanced: balanced accuracy: the mean recall of the emotions that occur.
        with_other: accuracy if disgust may be predicted, too, which is then wrong.
        missed: photographs without a detected face.
        gain: this program's accuracy minus that one's, on the same photographs; None for this program.
        gain_balanced: of the balanced accuracy, likewise.
        both: this program's and that one's accuracy where both detected a face; None for this program.
        recalls: by emotion that occurs.
    """

    program: str
    accuracy: Interval
    balanced: Interval
    with_other: float
    missed: int
    gain: Interval | None
    gain_balanced: Interval | None
    both: tuple[float, float] | None
    recalls: dict[str, float]


def strongest(scores: Mapping[str, float] | None, other: bool) -> int:
    """The index of the class with the highest score, or `MISSED` or `OTHER`.

    Args:
        scores: by word of the peer; None if there is no face.
        other: count classes that are none of the six, too; else the highest of the six counts.
    """
    if scores is None:
        return MISSED
    classes = {word: EMOTIONS.index(name) if name in EMOTIONS else OTHER for word, name in _named(scores)}
    counted = {word: score for word, score in scores.items() if other or classes[word] != OTHER}
    return classes[max(counted, key=counted.__getitem__)]


def _named(scores: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    return ((word, _WORDS.get(word, word)) for word in scores)


def rows(
    labels: Predicted,
    groups: npt.NDArray[np.int64],
    ours: Predicted,
    peers: Mapping[str, tuple[Predicted, Predicted]],
) -> list[Row]:
    """The scores of this program and of each peer.

    Args:
        labels: the truth.
        groups: int64 (n,); near duplicates share a number and are drawn together.
        ours: this program's predictions.
        peers: by name: the predictions among the six classes, and among all classes of the peer.
    """
    predictions = [ours, *(six for six, _ in peers.values())]
    every = [ours, *(every for _, every in peers.values())]
    right = np.stack([one == labels for one in predictions]).astype(np.float64)
    accuracies, balanced = _intervals(right, labels, groups), _intervals(right, labels, groups, balance=True)
    found = [one != MISSED for one in predictions]
    made = []
    for at, name in enumerate((OURS, *peers)):
        both = found[0] & found[at]
        gains = (accuracies[1][at], balanced[1][at], _of_both(right, at, both)) if at else (None, None, None)
        made.append(
            Row(
                program=name,
                accuracy=accuracies[0][at],
                balanced=balanced[0][at],
                with_other=float((every[at] == labels).mean()),
                missed=int((~found[at]).sum()),
                gain=gains[0],
                gain_balanced=gains[1],
                both=gains[2],
                recalls={
                    emotion: float(right[at, labels == index].mean())
                    for index, emotion in enumerate(EMOTIONS)
                    if (labels == index).any()
                },
            )
        )
    return made


def _of_both(right: Weights, at: int, both: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
    return (float(right[0, both].mean()), float(right[at, both].mean())) if both.any() else None


def _intervals(
    right: Weights, labels: Predicted, groups: npt.NDArray[np.int64], balance: bool = False
) -> tuple[list[Interval], list[Interval]]:
    """The rates of all programs, (k, n), and those of the first minus each, resampled on the same faces."""

    def statistic(weights: Weights) -> Weights:
        rates = _balanced(right, labels, weights) if balance else np.average(right, axis=1, weights=weights)
        return np.concatenate([rates, rates[0] - rates])

    ends = np.stack(bootstrap(groups, statistic), axis=1)
    # A basic interval may reach beyond what a share can be.
    ends[: len(right)] = ends[: len(right)].clip(0, 1)
    found = [Interval(*map(float, row)) for row in ends]
    return found[: len(right)], found[len(right) :]


def _balanced(right: Weights, labels: Predicted, weights: Weights) -> Weights:
    """The mean recall of the emotions that occur, float64 (k,)."""
    counts = np.bincount(labels, weights)
    sums = np.stack([np.bincount(labels, weights * one) for one in right])
    return np.asarray((sums[:, counts > 0] / counts[counts > 0]).mean(axis=1))


@dataclass(frozen=True, slots=True)
class Measured:
    """The scores on one set.

    Attributes:
        name: of its folder, with the part if that is not the test part.
        photographs: how many.
        groups: of near duplicates.
        uncertain: photographs of which this program's label is ``uncertain``; its strongest emotion counts.
        rows: this program's, and one for each peer and way of detection.
    """

    name: str
    photographs: int
    groups: int
    uncertain: int
    rows: tuple[Row, ...]

    def of(self, peer: str) -> list[Row]:
        """The rows of a peer, in the order of its ways of detection."""
        return [row for row in self.rows if row.program.startswith(f"{peer}, ")]


def brief(measured: Sequence[Measured], peer: str) -> Iterator[str]:
    """The accuracies of this program and of a peer in Markdown: in its first way, and in its best one."""
    usual = measured[0].of(peer)[0].program
    yield (
        f"| set, photographs | emotion-live | {usual}: first attempt | no face: emotion-live, {peer} "
        f"| best way of {peer} on this set | difference from the best way |"
    )
    yield "|---" * 6 + "|"
    for one in measured:
        ways = one.of(peer)
        best = max(ways, key=lambda row: row.accuracy.value)
        cells = [
            f"{one.name}, {one.photographs:,}",
            _share(one.rows[0].accuracy),
            _share(ways[0].accuracy),
            f"{one.rows[0].missed:,}, {ways[0].missed:,}",
            f"{_share(best.accuracy)}, {_way(best, peer)}",
            _difference(best.gain),
        ]
        yield f"| {' | '.join(cells)} |"


def table(measured: Sequence[Measured], peer: str) -> Iterator[str]:
    """All scores of this program and of a peer in Markdown."""
    yield (
        "| set, photographs | program | accuracy | disgust allowed, too | balanced accuracy | no face "
        "| difference: accuracy | balanced accuracy | both found a face: emotion-live, peer |"
    )
    yield "|---" * 9 + "|"
    for one in measured:
        for at, row in enumerate([one.rows[0], *one.of(peer)]):
            cells = [
                f"{one.name}, {one.photographs:,}" if at == 0 else "",
                row.program,
                _share(row.accuracy),
                f"{100 * row.with_other:.1f}" if at else "-",
                _share(row.balanced),
                f"{row.missed:,}",
                _difference(row.gain),
                _difference(row.gain_balanced),
                ", ".join(f"{100 * share:.1f}" for share in row.both) if row.both else "-",
            ]
            yield f"| {' | '.join(cells)} |"


def recalls(measured: Sequence[Measured], peer: str) -> Iterator[str]:
    """The recall of each emotion in Markdown."""
    yield f"| recall | program | {' | '.join(EMOTIONS)} |"
    yield "|---" * (2 + len(EMOTIONS)) + "|"
    for one in measured:
        for at, row in enumerate([one.rows[0], *one.of(peer)]):
            values = [f"{100 * row.recalls[name]:.0f}" if name in row.recalls else "-" for name in EMOTIONS]
            yield f"| {one.name if at == 0 else ''} | {row.program} | {' | '.join(values)} |"


def _way(row: Row, peer: str) -> str:
    return row.program.removeprefix(f"{peer}, ")


def _share(rate: Interval) -> str:
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def _difference(gain: Interval | None) -> str:
    if gain is None:
        return "-"
    return f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
