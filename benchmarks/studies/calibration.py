"""Why the vote is overconfident on a set that it was not fitted to::

    python -m emotion.benchmarks.studies.calibration data/all --models lite

For each set of the data set's validation part the rule and its temperature are fitted to the others, as
`emotion weights` fits them. Then the calibration error is printed that is left after one more correction
each: how common each emotion is there, guessed from the predictions (Saerens et al. 2002) or known; how often
labels contradict one another there, as copies of one photograph show, without any model; a
temperature, offsets or both fitted to the set itself (five folds). What the last cannot mend, no temperature
and no offset mends.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from emotion.benchmarks.studies.held_out import HeldOut, predict_held_out
from emotion.models.data.stored import read_manifest
from emotion.models.engines.options import model_folder
from emotion.models.evaluation.rule_fitting import FITS, importance, sure_for_all_sets
from emotion.models.statistics.calibration import expected_calibration_error, fit_temperature
from emotion.models.statistics.intervals import Interval, wilson

Labels = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]
Correction = Callable[[Probabilities], Probabilities]

_RULE = "product of three"
_FOLDS = 5
_TINY = 1e-7
_ROUNDS = 200
_GROUP = re.compile(r"group (\d+)$")


@dataclass(frozen=True, slots=True)
class Copies:
    """Label noise of a set, from copies of the same photograph.

    Attributes:
        pairs: number of photographs that are in the set twice.
        differ: the share of them with two labels.
    """

    pairs: int
    differ: Interval

    def noise(self, classes: int) -> float:
        """The share of labels that are drawn anew among all classes, if that is how they go wrong.

        Two such labels agree with probability (1 - s)^2 + (1 - (1 - s)^2) / classes.
        """
        return float(1 - np.sqrt(max(0.0, 1 - self.differ.value * classes / (classes - 1))))

    @property
    def best(self) -> float:
        """No classifier can be right more often: E max q <= sqrt(E sum q^2), of labels drawn from q."""
        return float(np.sqrt(1 - self.differ.value))


def copies_of(data: Path) -> dict[str, Copies]:
    """How often the two labels of photographs that stand in a set twice differ, by set.

    Copies with different labels are not in a data set, but its ``rejected.csv`` names them and their group.
    Groups of more than two are left out: they hold pictures that only look alike.

    Raises:
        DatasetError: `data` is no data set.
    """
    members: dict[int, list[str]] = defaultdict(list)
    for row in read_manifest(data):
        members[int(row["group"])].append(str(row["source"]))
    with open(data / "rejected.csv", newline="", encoding="utf-8") as file:
        for lost in csv.DictReader(file):
            found = _GROUP.search(lost["reason"])
            if found:
                members[int(found[1])].append(lost["source"])
    differing: dict[str, list[bool]] = defaultdict(list)
    for sources in members.values():
        sets = {source.split("/")[0] for source in sources}
        if len(sources) == 2 and len(sets) == 1:
            first, second = (source.split("/")[-2] for source in sources)
            differing[sets.pop()].append(first != second)
    return {
        name: Copies(len(differ), wilson(float(np.mean(differ)), len(differ)))
        for name, differ in differing.items()
    }


def fitted_elsewhere(faces: HeldOut, name: str) -> tuple[Probabilities, npt.NDArray[np.float64]]:
    """The vote on a set by a rule fitted to the others, and how common it takes each emotion to be.

    Returns:
        float32 (faces of the set, classes); float64 (classes,).
    """
    inside = faces.sets == name
    others = ~np.isin(faces.groups, faces.groups[inside])
    labels, predictions = faces.labels[others], faces.predictions[:, others]
    rule = sure_for_all_sets(FITS[_RULE][0](labels, predictions), labels, predictions, faces.sets[others])
    taken = np.bincount(labels, importance(labels), minlength=predictions.shape[2])
    return rule(faces.predictions[:, inside]), np.asarray(taken, np.float64)


def with_prior(
    vote: Probabilities, taken: npt.NDArray[np.float64], prior: npt.NDArray[np.float64]
) -> Probabilities:
    """A vote that took emotions to be so common, where they are otherwise common."""
    shifted = vote * (np.maximum(prior, _TINY) / np.maximum(taken, _TINY))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def guessed_prior(vote: Probabilities, taken: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How common each emotion is among faces without labels, by expectation maximisation (Saerens et al.)."""
    prior = np.asarray(vote.mean(axis=0), np.float64)
    for _ in range(_ROUNDS):
        prior = np.asarray(with_prior(vote, taken, prior).mean(axis=0), np.float64)
    return prior


def with_noise(vote: Probabilities, noise: float) -> Probabilities:
    """How likely labels are of which a share is drawn anew among all classes."""
    return np.asarray((1 - noise) * vote + noise / vote.shape[1], np.float32)


def fit_offsets(labels: Labels, vote: Probabilities, cool: bool) -> Correction:
    """Offsets for the log probabilities and, if wanted, a temperature, most likely for these labels."""
    from scipy.optimize import minimize  # noqa: PLC0415  most of a second; other corrections need none

    logs = np.log(np.maximum(vote.astype(np.float64), _TINY))
    rows = np.arange(len(labels))

    def loss(values: npt.NDArray[np.float64]) -> float:
        scaled = logs * np.exp(values[0] * cool) + values[1:]
        return float((np.logaddexp.reduce(scaled, axis=1) - scaled[rows, labels]).mean())

    best = minimize(loss, np.zeros(1 + vote.shape[1]), method="L-BFGS-B").x

    def correct(some: Probabilities) -> Probabilities:
        scaled = np.log(np.maximum(some.astype(np.float64), _TINY)) * np.exp(best[0] * cool) + best[1:]
        return np.asarray(np.exp(scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)), np.float32)

    return correct


def _cooled(labels: Labels, vote: Probabilities) -> Correction:
    temperature = fit_temperature(labels, vote)

    def correct(some: Probabilities) -> Probabilities:
        scaled = some ** np.float32(1 / temperature)
        return np.asarray(scaled / scaled.sum(axis=1, keepdims=True), np.float32)

    return correct


def out_of_fold(
    labels: Labels,
    vote: Probabilities,
    groups: npt.NDArray[np.int64],
    fit: Callable[[Labels, Probabilities], Correction],
) -> Probabilities:
    """A vote corrected by what is fitted to the other four fifths of the same set."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415  a second of import

    corrected = np.zeros_like(vote)
    for fitted, test in GroupKFold(_FOLDS).split(labels, groups=groups):
        corrected[test] = fit(labels[fitted], vote[fitted])(vote[test])
    return corrected


def corrections(faces: HeldOut, name: str, copies: Copies | None) -> Iterator[tuple[str, Probabilities]]:
    """Words, and the vote on a set after each correction, float32 (n, classes)."""
    vote, taken = fitted_elsewhere(faces, name)
    inside = faces.sets == name
    labels, groups = faces.labels[inside], faces.groups[inside]
    yield "rule and temperature of the other sets", vote
    yield "how common emotions are, guessed", with_prior(vote, taken, guessed_prior(vote, taken))
    known = np.bincount(labels, minlength=vote.shape[1]) / len(labels)
    yield "how common emotions are, known", with_prior(vote, taken, known)
    if copies is not None:
        noise = copies.noise(vote.shape[1])
        yield "labels as noisy as copies show", with_noise(vote, noise)
        yield "the same, emotions known", with_noise(with_prior(vote, taken, known), noise)
    yield "temperature of the set itself", out_of_fold(labels, vote, groups, _cooled)
    offsets = out_of_fold(labels, vote, groups, lambda y, p: fit_offsets(y, p, cool=False))
    yield "offsets of the set itself", offsets
    both = out_of_fold(labels, vote, groups, lambda y, p: fit_offsets(y, p, cool=True))
    yield "both of the set itself", both


def main(
    data: Path,
    models: Annotated[str, typer.Option(help="lite, standard or a model folder.")] = "lite",
    sets: Annotated[str, typer.Option(help="Sets of the data set, separated by commas.")] = (
        "rafdb,web-faces,ferplus"
    ),
) -> None:
    """Print how often copies' labels differ, and the calibration errors."""
    disagreement = copies_of(data)
    for name, copies in disagreement.items():
        low, high = copies.differ.low, copies.differ.high
        typer.echo(
            f"{name}: of {copies.pairs} photographs that stand there twice {copies.differ.value:.1%} "
            f"({low:.1%} to {high:.1%}) have two labels; so no classifier is right on more than "
            f"{copies.best:.0%}, and {copies.noise(6):.1%} of the labels may be chance"
        )
    faces = predict_held_out(data, model_folder(models))
    for name in sets.split(","):
        labels = faces.labels[faces.sets == name]
        for words, vote in corrections(faces, name, disagreement.get(name)):
            error = expected_calibration_error(labels, vote)
            excess = float(vote.max(axis=1).mean() - (vote.argmax(axis=1) == labels).mean())
            typer.echo(f"{name}: {words}: {error:.3f}, too sure by {100 * excess:+.1f} points")


if __name__ == "__main__":
    typer.run(main)
