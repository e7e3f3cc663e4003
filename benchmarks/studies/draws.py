"""The accuracy of custom models by the number of photographs per class, on new faces::

    python -m emotion.benchmarks.studies.draws DATA --a-class 60 --draws 5
    python -m emotion.benchmarks.studies.draws DATA --classes three --a-class 600 --draws 1

`DATA` is a data set (`emotion dataset`) with the public set web-faces in it, of which the networks that ship
have learnt from the train part only. Of its validation and test parts each draw takes so many faces a class,
fits last layers, a classifier of blendshapes and the vote to them as `emotion learn` does, and is evaluated
on 100 faces of each emotion of the test part that are in no draw. ``six`` are the emotions that ship, and
``three`` positive, negative (sadness, fear, anger) and neutral. Printed: the balanced accuracy of each draw,
their mean, the lowest and the highest, and that of the models that ship where they know the classes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from threadpoolctl import threadpool_limits

from emotion.exporters.head import model_head
from emotion.models.classes import SIX, Classes
from emotion.models.evaluation.predictions import LabelledFaces, Predictions, faces_of_dataset
from emotion.models.manifest import LITE, ZOO
from emotion.models.regions import Regions
from emotion.models.schema import Schema
from emotion.models.voting.vote import VoteWeights
from emotion.own_model.build import learn_blendshapes
from emotion.own_model.features import views_of
from emotion.own_model.folds import in_folds
from emotion.own_model.heads import learn_head, probabilities, start_of
from emotion.own_model.options import LearnOptions
from emotion.own_model.vote import fit_own_vote

_Floats = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]

SET = "web-faces"
TEST_FACES = 100
"""Test faces of each emotion."""
_NO_CLASS = -1
# Of each of the six, which of the three it is; surprise is none.
_THREE = (0, 1, 1, 1, 2, _NO_CLASS)
_FOLDERS = {"lite": LITE, "standard": ZOO}


class Faces:
    """The faces of the set's validation and test parts, and what the kept networks see of them."""

    def __init__(self, data: Path, models: Path, cache: Path) -> None:
        parts = [self._part(data, name) for name in ("validation", "test")]
        self.labels = np.concatenate([part.labels for part in parts])
        self.groups = np.concatenate([part.groups for part in parts])
        self.blendshapes = np.concatenate([part.blendshapes for part in parts])
        self.tested = np.repeat([False, True], [len(part) for part in parts])
        self.regions = parts[0].schema.regions
        self.models = models
        self.views = {
            region.name: self._see(models, region, np.concatenate([p.crops[at] for p in parts]), cache)
            for at, region in enumerate(self.regions)
        }

    @staticmethod
    def _part(data: Path, name: Any) -> LabelledFaces:
        return faces_of_dataset(data, name).of_set(SET)

    @staticmethod
    def _see(models: Path, region: Any, crops: Any, cache: Path) -> _Floats:
        """float32 (2, n, d): as they are, and mirrored."""
        mirrored = np.ascontiguousarray(crops[:, :, ::-1])
        return np.concatenate([views_of(models, region, view, cache)[:1] for view in (crops, mirrored)])

    def head(self, region: str) -> Any:
        """The last layer that ships."""
        return model_head(self.models, region)


def draw(
    faces: Faces, labels: _Ints, classes: Classes, taken: _Ints, test_faces: _Ints, known: bool
) -> float:
    """The balanced accuracy on some faces of what is learnt from others.

    Args:
        faces: all of them.
        labels: int64 (n,), of `classes`.
        classes: that are learnt.
        taken, test_faces: indices of the training and the test faces.
        known: whether the included models have these classes.
    """
    truth, groups = labels[taken], faces.groups[taken]
    folds = in_folds(truth, groups)
    fitted = {
        region: learn_head(
            views[:, taken],
            truth,
            folds,
            len(classes),
            start_of(faces.head(region), SIX, classes) if known else None,
        )
        for region, views in faces.views.items()
    }
    third = learn_blendshapes(faces.blendshapes[taken], truth, folds, classes)
    found = _predictions(truth, groups, faces.blendshapes[taken], faces.regions, classes)
    out_of_fold = np.stack([one.predictions for one in fitted.values()])
    vote = fit_own_vote(
        Predictions(found, out_of_fold, np.ones((len(taken), len(fitted)), np.float32)),
        third,
        LearnOptions(start_from=faces.models),
        {},
    )
    predictions = [
        probabilities(one.head(faces.views[region][0][test_faces]) / np.float32(one.temperature))
        for region, one in fitted.items()
    ]
    if vote.third is not None:
        predictions.append(vote.third(faces.blendshapes[test_faces]))
    votes = vote.rule(np.stack(predictions)[: vote.rule.prediction_count])
    return balanced(labels[test_faces], votes.argmax(axis=1))


def _predictions(
    labels: _Ints, groups: _Ints, blendshapes: _Floats, regions: Regions, classes: Classes
) -> LabelledFaces:
    """Faces as the vote is fitted to them: all seen well."""
    count, width = len(labels), len(regions)
    even = np.full(count, 50, np.float32)
    nothing = tuple(np.zeros((count, 1, 1), np.uint8) for _ in regions)
    sources = (f"{SET}/face",) * count
    seen = np.ones((count, width), np.float32)
    schema = Schema(classes, regions)
    return LabelledFaces(
        sources,
        labels,
        nothing,
        seen,
        blendshapes,
        even,
        np.full(count, 3, np.float32),
        groups,
        schema=schema,
    )


def balanced(labels: _Ints, predictions: _Ints) -> float:
    """The mean over the classes of the share that is found."""
    return float(np.mean([(predictions[labels == one] == one).mean() for one in np.unique(labels)]))


def shipped(faces: Faces, test_faces: _Ints) -> float:
    """The same of the models that ship."""
    predictions = np.stack(
        [probabilities(faces.head(r)(views[0][test_faces])) for r, views in faces.views.items()]
    )
    vote = VoteWeights.read(faces.models)
    third = vote.third(faces.blendshapes[test_faces]) if vote.third else None
    return balanced(faces.labels[test_faces], vote.vote(predictions, blendshapes=third).argmax(axis=1))


def parts(faces: Faces) -> tuple[_Ints, _Ints]:
    """Indices of the test faces, and of those for training."""
    generator, tested = np.random.default_rng(0), np.flatnonzero(faces.tested)
    test_faces = np.concatenate(
        [generator.permutation(tested[faces.labels[tested] == one])[:TEST_FACES] for one in range(len(SIX))]
    )
    test_faces = test_faces[~np.isin(faces.groups[test_faces], faces.groups[~faces.tested])]
    others = ~np.isin(faces.groups, faces.groups[test_faces])
    return test_faces, np.flatnonzero(others)


def taken(labels: _Ints, rest: _Ints, count: int, seed: Sequence[int]) -> _Ints:
    """So many faces of each class."""
    generator = np.random.default_rng(tuple(seed))
    drawn = [generator.permutation(rest[labels[rest] == one])[:count] for one in range(labels.max() + 1)]
    return np.sort(np.concatenate(drawn))


def main(
    data: Annotated[Path, typer.Argument(help="Data set that contains web-faces.")],
    models: Annotated[str, typer.Option(help="lite or standard.")] = "lite",
    classes: Annotated[str, typer.Option(help="six or three.")] = "six",
    a_class: Annotated[int, typer.Option(help="Number of training faces per class.", min=20)] = 60,
    draws: Annotated[int, typer.Option(help="Number of random draws.", min=1)] = 5,
    cache: Annotated[Path, typer.Option(help="Folder for cached features.")] = Path("features"),
) -> None:
    """Draw, train and evaluate."""
    faces = Faces(data, _FOLDERS[models], cache)
    test_faces, rest = parts(faces)
    known = classes == "six"
    labels, named = faces.labels, SIX
    if not known:
        labels, named = np.array(_THREE)[labels], Classes(("positive", "negative", "neutral"))
        test_faces = test_faces[labels[test_faces] != _NO_CLASS]
    accuracies = []
    with threadpool_limits(1, "blas"):  # small matrices: several threads would only wait for one another
        for seed in range(draws):
            chosen = taken(labels, rest, a_class, (len(named), seed))
            accuracies.append(draw(faces, labels, named, chosen, test_faces, known))
            typer.echo(f"draw {seed}: {accuracies[-1]:.1%}")
    low, high = min(accuracies), max(accuracies)
    typer.echo(
        f"{models}, {classes} classes, {a_class} a class, {len(test_faces)} test faces: "
        f"mean {np.mean(accuracies):.1%} ({low:.1%} to {high:.1%})"
    )
    if known:
        typer.echo(f"the models that ship: {shipped(faces, test_faces):.1%}")


if __name__ == "__main__":
    typer.run(main)
