"""Detects evaluated faces that a model was trained or validated on, whose scores are not representative."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from emotion.models.data.duplicates import near_any
from emotion.models.data.fingerprints import FILE, VOTE, Fingerprints, together
from emotion.models.evaluation.predictions import LabelledFaces
from emotion.models.evaluation.scores import Scores
from emotion.models.manifest import ModelManifest

NO_LIST = f"the model folder has no list of these ({FILE})"
VIDEOS = "videos are not compared with them"
OTHER_REGIONS = "their fingerprints are of other regions"


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Evaluated faces that are near duplicates of others.

    Attributes:
        training: bool (n,), of faces that a model was trained on.
        validation: bool (n,), of faces that it was chosen, calibrated or weighed by, and not trained on.
        unknown: the names of models and predictors of which it is not known.
        reason: why it is known of none; else empty.
    """

    training: npt.NDArray[np.bool_]
    validation: npt.NDArray[np.bool_]
    unknown: tuple[str, ...] = ()
    reason: str = ""

    @property
    def either(self) -> npt.NDArray[np.bool_]:
        """Those that are not new to the models."""
        return self.training | self.validation


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of the evaluated faces are near duplicates of such that the models have seen.

    Attributes:
        training: of faces that they were trained on; None: not known.
        validation: of others, that they were chosen, calibrated or weighed by; None: not known.
        unknown, reason: as in `Matches`.
        without: the scores without them, as in `Evaluation.scores`; empty where there are none, or no others.
    """

    training: int | None
    validation: int | None
    unknown: tuple[str, ...] = ()
    reason: str = ""
    without: dict[str, Scores] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """How many there are."""
        return (self.training or 0) + (self.validation or 0)


def not_known(reason: str) -> Overlap:
    """The message if nothing can be compared."""
    return Overlap(None, None, reason=reason)


def matches_of(
    faces: LabelledFaces, seen: Mapping[str, Fingerprints], manifests: Iterable[ModelManifest]
) -> Matches:
    """Compare faces with what each predictor of a model folder has seen.

    Args:
        faces: with their fingerprints.
        seen: the folder's list.
        manifests: of the models that are evaluated.
    """
    models = {one.region: one.made_from or one.sha256 for one in manifests} | {VOTE: ""}
    known = {name: seen[name] for name, model in models.items() if name in seen and seen[name].model == model}
    nothing = np.zeros(len(faces), bool)
    if not known:
        return Matches(nothing, nothing, reason=NO_LIST)
    of_all = together(known.values())
    if of_all.places != faces.places:
        return Matches(nothing, nothing, reason=OTHER_REGIONS)
    training = near_any(faces.fingerprints, of_all.training)
    validation = near_any(faces.fingerprints, of_all.validation) & ~training
    lacking = (f"the {name}" for name in models if name not in known)
    return Matches(training, validation, (*lacking, *of_all.unknown))
