"""PredictionFrame -> EmotionFrame: tracks people, and decides the label of each.

Everything that needs all frames in order is in this stage, which is cheap, so that the costly stages before
it can have several workers. The state of a person belongs to the track and ends with it.
"""

from collections.abc import Iterable, Sequence

from emotion.models.classes import UNCERTAIN, Classes
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.messages import EmotionFrame, Face, FaceEmotion, PredictionFrame, Probabilities
from emotion.realtime.stages.baseline import Baseline
from emotion.realtime.stages.ensemble import Ensemble, FaceVote
from emotion.realtime.stages.label_rule import LabelRule, Moment, word_of
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.smoothing import Smoothed, Smoother
from emotion.realtime.stages.tracker import Tracker


class People:
    """The stage. It needs one instance per stream, with one worker.

    Args:
        weights: of the vote.
        options: `VoteOptions()` by default.
    """

    name = "people"
    batch = 8

    def __init__(self, weights: VoteWeights, options: VoteOptions | None = None) -> None:
        self._options = options or VoteOptions()
        self._ensemble = Ensemble(weights, self._options)
        self._tracks = Tracker()
        self._people: dict[int, _Person] = {}
        self._requested_baseline: float | None = None

    def take_baseline(self, seconds: float) -> None:
        """Use the faces in the next seconds as baselines of all people in the picture; from any thread."""
        self._requested_baseline = seconds

    @property
    def baselines(self) -> int:
        """The number of people in the picture who have a baseline."""
        return (
            0 if self._requested_baseline else sum(person.measured for person in tuple(self._people.values()))
        )

    def process(self, items: Sequence[PredictionFrame]) -> Iterable[EmotionFrame]:
        """The frames with the labels of their people, in order."""
        return [self._decide(item) for item in items]

    def close(self) -> None:
        """Nothing to free."""

    def _decide(self, item: PredictionFrame) -> EmotionFrame:
        seconds = item.frame.seconds
        ids = self._tracks.assign([face.box for face in item.faces], seconds)
        classes = item.schema.classes
        self._people = {
            id_: self._people.get(id_) or _Person(self._options, classes) for id_ in self._tracks.alive
        }
        requested, self._requested_baseline = self._requested_baseline, None
        if requested:
            for person in self._people.values():
                person.take_baseline(requested)
        votes = self._ensemble.vote(item)
        faces = (
            self._people[id_].result(id_, face, vote, seconds)
            for id_, face, vote in zip(ids, item.faces, votes, strict=True)
        )
        return EmotionFrame(item.frame, tuple(faces), item.schema, item.left_out)


class _Person:
    """The state of one person's track."""

    def __init__(self, options: VoteOptions, classes: Classes) -> None:
        self._options = options
        self._classes = classes
        self._baseline = Baseline(options.baseline, classes)
        self._smoother = Smoother(options.smooth)
        self._rows: dict[str, Smoother] = {}
        self._rule = LabelRule(options) if options.smooth else None

    @property
    def measured(self) -> bool:
        """Whether the person has a baseline."""
        return self._baseline.ready

    def take_baseline(self, seconds: float) -> None:
        """Use the face in the next seconds as the baseline."""
        self._baseline = Baseline(seconds, self._classes, requested=True)

    def result(self, id_: int, face: Face, vote: FaceVote, seconds: float) -> FaceEmotion:
        """The result of the person's face in a frame."""
        said = None if vote.vote is None else self._baseline.update(seconds, vote.vote)
        smoothed = self._smoother.update(seconds, said)
        label, since = self._label(seconds, smoothed)
        predictions = vote.regions | {"blendshapes": vote.blendshapes}
        rows = {name: self._row(name, seconds, prediction) for name, prediction in predictions.items()}
        return FaceEmotion(
            id_,
            face.box,
            {name: rows[name] for name in vote.regions},
            said,
            smoothed.shares,
            rows["blendshapes"],
            label=label,
            since=since,
            points=face.points,
            seen=vote.seen,
            classes=self._classes,
            age=smoothed.age,
            predictions_frame={
                name: prediction for name, prediction in predictions.items() if prediction is not None
            },
            turn=face.turn,
            shapes=face.blendshapes,
            matrix=face.matrix,
        )

    def _label(self, seconds: float, smoothed: Smoothed) -> tuple[str, float]:
        if self._rule is None:
            return "" if smoothed.shares is not None else UNCERTAIN, seconds
        word, since = self._rule.update(Moment(seconds, smoothed.shares))
        return word_of(word, self._classes), since

    def _row(self, name: str, seconds: float, said: Probabilities | None) -> Probabilities | None:
        """A region's probabilities, smoothed like the vote, so that both agree; None if it is hidden."""
        smoother = self._rows.setdefault(name, Smoother(self._options.smooth))
        smoothed = smoother.update(seconds, said)
        return None if said is None else smoothed.shares
