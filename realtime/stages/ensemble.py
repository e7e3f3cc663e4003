"""The vote of all models on each face."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.models.faces.visibility import how_seen
from emotion.models.regions import ANCHORS, Points, alignment_error
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.messages import PredictionFrame, Probabilities
from emotion.realtime.stages.options import VoteOptions


@dataclass(frozen=True, slots=True, eq=False)
class FaceVote:
    """The predictions and the vote of one face; None if a region, or all of the face, is hidden.

    The blendshapes are used only if the rule of the vote includes them, and together with the regions. `seen`
    is the weight of each region's vote, in [0, 1].
    """

    regions: dict[str, Probabilities | None]
    vote: Probabilities | None
    blendshapes: Probabilities | None
    seen: dict[str, float]


class Ensemble:
    """Combines the models' probabilities for the faces of a frame into votes. It has no state.

    Args:
        weights: of the vote.
        options: `VoteOptions()` by default.
    """

    def __init__(self, weights: VoteWeights, options: VoteOptions | None = None) -> None:
        self._weights = weights
        self._options = options or VoteOptions()

    def sees(self, item: PredictionFrame) -> npt.NDArray[np.float32]:
        """The visibility of each region of each face, float32 (n, regions) in [0, 1]."""
        inside = np.array([[crop.visible for crop in face.crops] for face in item.faces], np.float32)
        turned = np.array([_turned(face.points) for face in item.faces], np.float32)
        readable = np.array([face.readable for face in item.faces])
        return how_seen(inside, item.free * readable[:, None], turned, self._options.min_visible)

    def vote(self, item: PredictionFrame) -> list[FaceVote]:
        """The vote on each face of a frame, in their order."""
        if not item.faces:
            return []
        seen = self.sees(item)
        third = self._third(item)
        votes = self._weights.vote(item.predictions, seen, third)
        names = item.schema.regions.names
        return [
            FaceVote(
                {
                    name: rows[index] if share else None
                    for name, rows, share in zip(names, item.predictions, shares, strict=True)
                },
                votes[index] if any(shares) else None,
                third[index] if third is not None and any(shares) else None,
                dict(zip(names, shares, strict=True)),
            )
            for index, shares in enumerate(seen.tolist())
        ]

    def _third(self, item: PredictionFrame) -> Probabilities | None:
        """The predictions from the blendshapes, float32 (n, classes), if the vote uses them."""
        if self._weights.third is None:
            return None
        shapes = [face.blendshapes for face in item.faces if face.blendshapes is not None]
        if len(shapes) < len(item.faces):
            raise ValueError("the vote counts the blendshapes, and a face has none")
        return self._weights.third(np.array(shapes))


def _turned(points: Points) -> float:
    """The alignment error of a face; 0 if its landmarks are unknown."""
    anchors = points[ANCHORS]
    return alignment_error(points) if anchors.max() > anchors.min() else 0.0
