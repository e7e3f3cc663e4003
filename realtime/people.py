"""OpinionFrame -> EmotionFrame: whose face is whose, and what is thought of each person.

All that must see every frame in order is here, and it is cheap: so the costly stages before it may
have several workers. What is remembered of a person belongs to the track and ends with it.
"""

from collections.abc import Iterable, Sequence

from models.vote import VoteWeights
from realtime.ensemble import Ensemble, EnsembleOptions, Smoother
from realtime.frames import EmotionFrame, FaceEmotion, OpinionFrame
from realtime.tracks import TrackAssigner


class People:
    """The stage that follows people. One instance a stream, and never two workers.

    Args:
        weights: of the vote.
        options: `EnsembleOptions()` where not given.
    """

    name = "people"
    batch = 8

    def __init__(self, weights: VoteWeights, options: EnsembleOptions | None = None) -> None:
        self._options = options or EnsembleOptions()
        self._ensemble = Ensemble(weights, self._options)
        self._tracks = TrackAssigner()
        self._smoothers: dict[int, Smoother] = {}

    def process(self, items: Sequence[OpinionFrame]) -> Iterable[EmotionFrame]:
        """The frames with what is thought of their people, in order."""
        return [self._decide(item) for item in items]

    def close(self) -> None:
        """Nothing to free."""

    def _decide(self, item: OpinionFrame) -> EmotionFrame:
        seconds = item.frame.seconds
        ids = self._tracks.assign([face.box for face in item.faces], seconds)
        self._smoothers = {
            id_: self._smoothers.get(id_) or Smoother(self._options.smooth) for id_ in self._tracks.alive
        }
        votes = self._ensemble.vote(item)
        return EmotionFrame(
            item.frame,
            tuple(
                FaceEmotion(
                    id_,
                    face.box,
                    vote.eyes,
                    vote.lips,
                    vote.vote,
                    self._smoothers[id_].update(seconds, vote.vote),
                    vote.blendshapes,
                )
                for id_, face, vote in zip(ids, item.faces, votes, strict=True)
            ),
        )
