"""What last layers make of features that stay as they are, also on a set that they were not fitted to::

    python -m emotion.benchmarks.studies.last_layers data/all --models lite --features lite.npz
    python -m emotion.benchmarks.studies.last_layers data/all --models lite --features lite.npz --teacher face

The features of a folder's regions are computed once for some faces of the train part and for the whole
validation part, and kept. Last layers, as `python -m emotion.learn refit` fits them, learn from all sets,
then from all but one. With `--teacher` those of the other regions learn from that region's last layer too:
half of each label is its prediction, or all for faces whose labels are not learnt (of an emotion of a set
`--most` are, `--unlabelled` are not). Printed is the balanced accuracy on each set's validation part in per
cent, with its 95% interval, and what a teacher gains.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from emotion.exporters.head import features_of, model_head
from emotion.models.atomic_files import atomic_output
from emotion.models.data.pools import Pool, RegionName, load_pool, softmax
from emotion.models.engines.options import model_folder
from emotion.models.statistics.intervals import Interval, Weights, bootstrap
from emotion.models.training.refit import Head, even_shares, face_weights, fit_head
from emotion.models.training.set_scores import recalls
from emotion.models.voting.blendshapes import features as of_blendshapes

Floats = npt.NDArray[np.float32]

BLENDSHAPES = "blendshapes"
_EVENNESS = 0.5
_PULLS = {"face": 0.1, BLENDSHAPES: 1e-3}
_PULL = 1e-2
_TAUGHT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces of the train and the validation part, and their features.

    Attributes:
        labels: int64 (n,), emotions by index.
        sets: str (n,), the set of each.
        groups: int64 (n,); near duplicates share a number.
        learnt: bool (n,), those of the train part.
        labelled: bool (n,), those of them whose labels are learnt from; of the others, the teacher's.
        features: by region, and of the blendshapes: float32 (n, d).
        before: by region, the logits of the model as it is, float32 (n, 6).
    """

    labels: npt.NDArray[np.int64]
    sets: npt.NDArray[np.str_]
    groups: npt.NDArray[np.int64]
    learnt: npt.NDArray[np.bool_]
    labelled: npt.NDArray[np.bool_]
    features: dict[str, Floats]
    before: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The selection of faces.

    Attributes:
        regions: whose features.
        most: faces of an emotion of a set whose labels are learnt from.
        unlabelled: faces of an emotion of a set beside these, whose labels are not.
        evaluated: faces of a set's validation part, at most.
        teacher: a region that is not evaluated itself, so of faces of the train part alone.
    """

    regions: tuple[RegionName, ...]
    most: int
    unlabelled: int
    evaluated: int
    teacher: str = ""


def widened(features: Floats, units: int) -> Floats:
    """Features, and beside them so many random rectified mixtures of them: what a larger last stage sees.

    Args:
        features: float32 (n, d).
        units: how many mixtures.
    """
    spread = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    mix = np.random.default_rng(0).standard_normal((features.shape[1], units)) / np.sqrt(features.shape[1])
    offsets = np.random.default_rng(1).standard_normal(units)
    mixtures = np.maximum(spread @ mix.astype(np.float32) + offsets.astype(np.float32), 0)
    return np.concatenate([features, mixtures], axis=1).astype(np.float32)


def faces_of(data: Path, folder: Path, wanted: Wanted, kept: Path, hidden: int = 0) -> Faces:
    """Compute features, or read those that were kept.

    Args:
        data: of the data set.
        folder: of the models.
        wanted: which faces.
        kept: the file to keep them in.
        hidden: so many mixtures of them beside them, see `widened`.
    """
    if not kept.exists():
        arrays = _compute(data, folder, wanted)
        with atomic_output(kept) as made, open(made, "wb") as file:
            np.savez(file, **arrays)
    stored = np.load(kept)
    features = {
        name: stored[f"features {name}"].astype(np.float32) for name in (*wanted.regions, BLENDSHAPES)
    }
    return Faces(
        **{name: stored[name] for name in ("labels", "sets", "groups", "learnt", "labelled")},
        features={name: widened(one, hidden) for name, one in features.items()} if hidden else features,
        before={name: model_head(folder, name)(features[name]) for name in wanted.regions},
    )


def _compute(data: Path, folder: Path, wanted: Wanted) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    for region in wanted.regions:
        pool = load_pool(data, region, ("train",))
        rank = _turns(pool)
        learnt = np.flatnonzero(rank < wanted.most + wanted.unlabelled)
        parts = pool[learnt], load_pool(data, region, ("validation",)).at_most(wanted.evaluated)
        features = [features_of(folder, region, parts[0].crops())]
        if region == wanted.teacher:
            features.append(np.zeros((len(parts[1]), features[0].shape[1]), np.float32))
        else:
            features.append(features_of(folder, region, parts[1].crops()))
        arrays[f"features {region}"] = np.concatenate(features)
    for name in ("labels", "sets", "groups"):
        arrays[name] = np.concatenate([getattr(part, name) for part in parts])
    arrays["learnt"] = np.arange(len(arrays["labels"])) < len(learnt)
    arrays["labelled"] = np.append(rank[learnt] < wanted.most, np.zeros(len(parts[1]), bool))
    arrays[f"features {BLENDSHAPES}"] = of_blendshapes(np.concatenate([part.blendshapes for part in parts]))
    return arrays


def _turns(pool: Pool) -> npt.NDArray[np.int64]:
    """Each face's turn among those of its set and emotion, in an order that is always the same."""
    order = np.random.default_rng(0).permutation(len(pool))
    rank = np.zeros(len(pool), np.int64)
    for name in np.unique(pool.sets):
        for label in np.unique(pool.labels):
            members = order[(pool.sets[order] == name) & (pool.labels[order] == label)]
            rank[members] = np.arange(len(members))
    return rank


def fit(faces: Faces, region: str, left_out: str = "", teacher_predictions: Floats | None = None) -> Head:
    """A region's last layer, fitted to the sets but one.

    Args:
        faces: that are known.
        region: whose features.
        left_out: a set that is not learnt from.
        teacher_predictions: float32 (n, 6), a teacher's probabilities; then faces without labels count too.
    """
    rows = faces.learnt & (faces.sets != left_out)
    if teacher_predictions is None:
        rows &= faces.labelled
    labels, sets = faces.labels[rows], faces.sets[rows]
    weights = face_weights(labels, sets, even_shares(labels, sets), _EVENNESS)
    taught = np.where(faces.labelled[rows], _TAUGHT, 1.0)
    return fit_head(
        faces.features[region][rows],
        labels,
        weights,
        _PULLS.get(region, _PULL),
        teacher_predictions=None if teacher_predictions is None else teacher_predictions[rows],
        taught=taught,
    )


def logits(
    faces: Faces, region: str, before: float, left_out: str = "", teacher_predictions: Floats | None = None
) -> Floats:
    """Logits of a fitted last layer, plus a share of the original model's, float32 (n, 6)."""
    new = fit(faces, region, left_out, teacher_predictions)(faces.features[region])
    return new + before * faces.before[region] if region in faces.before else new


def balanced_on(faces: Faces, name: str, *predictions: Floats) -> Interval:
    """Balanced accuracy of logits on a set's validation part; with two, the second's above the first's."""
    rows = np.flatnonzero(~faces.learnt & (faces.sets == name))
    labels = faces.labels[rows]
    absent = np.where(np.isin(np.arange(predictions[0].shape[1]), labels), 0.0, -np.inf)
    predicted = [(some[rows] + absent).argmax(axis=1) for some in predictions]

    def statistic(weights: Weights) -> Weights:
        rates = [float(np.nanmean(recalls(labels, one, weights))) for one in predicted]
        return np.array([rates[-1] - (rates[0] if len(rates) > 1 else 0.0)])

    value, low, high = (100 * float(end[0]) for end in bootstrap(faces.groups[rows], statistic, 300))
    return Interval(value, low, high)


def logits_by_name(
    faces: Faces, regions: Sequence[str], before: float, left_out: str = ""
) -> dict[str, Floats]:
    """Logits of each region, the blendshapes, and their products."""
    by_region = {region: logits(faces, region, before, left_out) for region in (*regions, BLENDSHAPES)}
    pair = [name for name in ("eyes", "lips") if name in by_region]
    found: dict[str, Floats] = dict(by_region)
    products = [(*pair, BLENDSHAPES)]
    if "face" in by_region:
        products += [("face", BLENDSHAPES), (*pair, "face", BLENDSHAPES)]
    for names in products:
        found[" x ".join(names)] = np.asarray(sum(by_region[name] for name in names), np.float32)
    return found


def fitted_rows(faces: Faces, regions: Sequence[str], sets: Sequence[str], before: float) -> Iterator[str]:
    """A line for each prediction: fitted to all sets; and of each set, fitted to the others."""
    known = logits_by_name(faces, regions, before)
    unseen = {name: logits_by_name(faces, regions, before, name) for name in sets}
    for words, predictions in known.items():
        home = [f"{name} {_in_words(balanced_on(faces, name, predictions))}" for name in sets]
        away = [f"{name} {_in_words(balanced_on(faces, name, unseen[name][words]))}" for name in sets]
        yield f"{words}: fitted to all: {', '.join(home)}; without the set: {', '.join(away)}"


def taught_rows(
    faces: Faces, teacher: str, pupils: Sequence[str], sets: Sequence[str], before: float
) -> Iterator[str]:
    """A line for each pupil: the gain from the teacher's predictions, on known sets and sets left out."""
    for left_out in ("", *sets):
        teacher_predictions = softmax(fit(faces, teacher, left_out)(faces.features[teacher]))
        evaluated = [left_out] if left_out else sets
        products: dict[bool, list[Floats]] = {False: [], True: []}
        for pupil in pupils:
            alone = logits(faces, pupil, before, left_out)
            taught = logits(faces, pupil, before, left_out, teacher_predictions)
            products[False].append(alone)
            products[True].append(taught)
            yield _gained(faces, pupil, left_out, evaluated, (alone, taught))
        shapes = logits(faces, BLENDSHAPES, before, left_out)
        both = [np.asarray(sum(products[which]) + shapes, np.float32) for which in (False, True)]
        yield _gained(faces, " x ".join((*pupils, BLENDSHAPES)), left_out, evaluated, (both[0], both[1]))


def _gained(
    faces: Faces, words: str, left_out: str, evaluated: Sequence[str], predictions: tuple[Floats, Floats]
) -> str:
    where = f"without {left_out}" if left_out else "fitted to all"
    parts = []
    for name in evaluated:
        gain = balanced_on(faces, name, *predictions)
        ends = f"{gain.low:+.1f} to {gain.high:+.1f}"
        alone = _in_words(balanced_on(faces, name, predictions[0]))
        parts.append(f"{name} {alone}, taught {gain.value:+.1f} ({ends})")
    return f"{words}, {where}: {'; '.join(parts)}"


def _in_words(found: Interval) -> str:
    return f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"


def counts(faces: Faces) -> Mapping[str, int]:
    """Faces of the train part with labels and without, and of the validation part."""
    return {
        "labelled": int(faces.labelled.sum()),
        "without": int((faces.learnt & ~faces.labelled).sum()),
        "evaluated": int((~faces.learnt).sum()),
    }


def main(
    data: Path,
    features: Annotated[Path, typer.Option(help="File for cached features; created if missing.")],
    models: Annotated[str, typer.Option(help="lite, standard or a model folder.")] = "lite",
    regions: Annotated[
        str, typer.Option(help="Regions of the folder, separated by commas.")
    ] = "eyes,lips,face",
    teacher: Annotated[str, typer.Option(help="Region that serves as teacher for the others.")] = "",
    sets: Annotated[str, typer.Option(help="Sets of the data set, separated by commas.")] = (
        "rafdb,web-faces,ferplus"
    ),
    most: Annotated[int, typer.Option(help="Number of labelled training faces per class and set.")] = 300,
    unlabelled: Annotated[
        int, typer.Option(help="Number of additional faces per class and set, without labels.")
    ] = 0,
    evaluated: Annotated[int, typer.Option(help="Maximum number of test faces per set.")] = 4000,
    hidden: Annotated[int, typer.Option(help="Number of additional random features.")] = 0,
    before: Annotated[float, typer.Option(help="Weight of the previous logits.")] = 0.5,
) -> None:
    """Print the table."""
    names: Any = tuple(regions.split(","))
    wanted, known = Wanted(names, most, unlabelled, evaluated, teacher), tuple(sets.split(","))
    faces = faces_of(data, model_folder(models), wanted, features, hidden)
    typer.echo(", ".join(f"{words} {count}" for words, count in counts(faces).items()))
    if teacher:
        pupils = [name for name in names if name != teacher]
        lines = taught_rows(faces, teacher, pupils, known, before)
    else:
        lines = fitted_rows(faces, names, known, before)
    for line in lines:
        typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
