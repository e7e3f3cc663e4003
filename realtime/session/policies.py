"""What differs between a file, a live picture and a caller who waits: which frames, and in whose thread.

==============  ========================  =================================  ===========================
policy          frames                    where                              who waits
==============  ========================  =================================  ===========================
`EveryFrame`    all, in whole batches     a thread a worker of each stage    the source for the stages
`NewestFrame`   the newest; less work     a thread a stage                   nobody: what is too much
                under load                                                   is dropped at the door
`EachAlone`     all, as photographs       a thread a worker of each stage    the source for the stages
`Inline`        all, one by one           the caller's own thread            the caller
==============  ========================  =================================  ===========================
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from emotion.models.cores import available_cores
from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.errors import OptionError
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.monitoring.metrics import Observer
from emotion.realtime.options import Options
from emotion.realtime.pipeline.inline import InlinePipeline
from emotion.realtime.pipeline.latest import LatestSlot
from emotion.realtime.pipeline.pipeline import Pipeline
from emotion.realtime.pipeline.stage import Step
from emotion.realtime.session.models import Models
from emotion.realtime.stages.classifier import EmotionClassifier
from emotion.realtime.stages.details import Details
from emotion.realtime.stages.faces import FaceFinder
from emotion.realtime.stages.load_shedding import LoadShedder, LoadSheddingClassifier
from emotion.realtime.stages.look_ahead import LookAhead
from emotion.realtime.stages.no_faces import NoFaces, is_too_small
from emotion.realtime.stages.people import People
from emotion.realtime.stages.photographs import PhotographFinder, Strangers
from emotion.realtime.stages.tap import Tap

# More would wait for one another: one finder feeds about so many one-thread classifiers.
_MOST_CLASSIFIERS = 4
_PHOTOGRAPHS_A_BATCH = 4
# Pixels from which on a picture is large, and how many of them wait then; and from which on none does.
_LARGE, _FEW, _HUGE = 1_500_000, 2, 4_000_000
# And of what one classifier takes at once: eight pictures of 1280x720, four of 1920x1080, one of 3840x2160.
_PIXELS_A_BATCH = 8_300_000


def default_classifiers(cores: int | None = None) -> int:
    """A worker a core, for the system to share out: two where there is one core or two."""
    return max(2, min(_MOST_CLASSIFIERS, cores or available_cores()))


@dataclass(frozen=True, slots=True)
class Workers:
    """How the costly stages share out their work.

    Attributes:
        classifiers: that ask the models; results do not depend on how many there are.
        finders: that follow faces, each through a share of the frames: landmarks tremble a little more
            than with one, by less than a hundredth of the distance between the eyes.
        batch: how many frames a classifier takes at once.
        stride: faces are looked for in one of so many frames, and lie between in the others: half a
            hundredth of that distance away, at 30 frames a second and a stride of two. The models see
            each frame all the same. None: as few as their times allow.
    """

    classifiers: int = field(default_factory=default_classifiers)
    finders: int = 1
    batch: int = 8
    stride: int | None = None

    @classmethod
    def of(cls, options: Options) -> "Workers":
        """What options say, and for this machine where they say nothing."""
        faces, engine = options.faces, options.engine
        classifiers = engine.workers or default_classifiers()
        return cls(classifiers, faces.finders or 1, engine.batch, faces.stride)

    def __post_init__(self) -> None:
        if min(self.classifiers, self.finders, self.batch, 1 if self.stride is None else self.stride) < 1:
            raise ValueError("there is one classifier, one finder, one frame a batch and a stride at least")


class Results(Protocol):
    """Results as they are made, in the order of their frames."""

    def __next__(self) -> EmotionFrame:
        """The next one; StopIteration at the end; what the source or a stage raised."""

    def close(self) -> None:
        """Stop, and free what is held. May be called again."""


class Policy(Protocol):
    """Which frames are analysed, by how many workers, and who waits for whom."""

    def stages(self, models: Models, options: Options) -> list[Step]:
        """All stages from `VideoFrame` to `EmotionFrame`. It takes seconds, so a live source is opened later.

        Raises:
            ModelFileError: the landmark model is missing or damaged.
        """

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """Set a source and its stages to work."""


@dataclass(frozen=True, slots=True)
class EveryFrame:
    """Every frame, in whole batches and without hurry: for files.

    Results look ahead by a second, unless options want them causal.

    Attributes:
        workers: how the costly stages share out their work; by default as the options say.
        capacity: the most items that wait before each stage, as of `Pipeline`; few where the source
            chooses what is worth being looked at.
        tap: is called with each causal result, before later frames change it; in a thread of its own.
        size: (width, height) of all pictures, where that is known: those that are too small for faces are not
            looked at, and fewer large ones wait in a batch.
        pictures: whether anybody looks at the results' pictures; else only their size is kept, where they
            would wait.
    """

    workers: Workers | None = None
    capacity: int | None = None
    tap: Callable[[EmotionFrame], object] | None = None
    size: tuple[int, int] | None = None
    pictures: bool = True

    def stages(self, models: Models, options: Options) -> list[Step]:
        """As many workers as wanted; see `Policy`."""
        if self.size is not None and is_too_small(*self.size):
            shown = [] if self.tap is None else [Tap(self.tap)]
            return [NoFaces(models.schema), *shown, *_details(options)]
        looks_ahead = bool(options.vote.smooth) and not options.vote.causal
        workers = self.workers or Workers.of(options)
        if self.size is not None:
            workers = replace(workers, batch=_batch_of(workers.batch, *self.size))
        stages = _causal_stages(workers, models, options)
        if self.tap is not None:
            stages.append(Tap(self.tap))
        if looks_ahead:
            stages.append(LookAhead(options.vote, pictures=self.pictures))
        return [*stages, *_details(options)]

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """In threads; see `Policy`."""
        capacity = _capacity_for(source, self.pictures) if self.capacity is None else self.capacity
        return Pipeline[EmotionFrame](source, stages, capacity=capacity, observer=observer)


@dataclass(frozen=True, slots=True)
class NewestFrame:
    """The newest frame whenever there is room, one at a time: for live sources.

    One policy is for one session, since its load shedder remembers.

    Attributes:
        load_shedder: leaves out work so that results come in time; by default nothing is left out.
    """

    load_shedder: LoadShedder = field(default_factory=lambda: LoadShedder(None))

    @classmethod
    def of(cls, options: Options) -> "NewestFrame":
        """With a load shedder that keeps to the latency that options ask for."""
        return cls(LoadShedder(options.live.latency_bound))

    def stages(self, models: Models, options: Options) -> list[Step]:
        """One worker a stage, which the load shedder may relieve; see `Policy`."""
        # One classifier: a second would work on the next picture while this one is waited for.
        classifier = EmotionClassifier(models.regions, batch=1, schema=models.schema)
        finder = FaceFinder(
            options.faces.max_faces,
            nets=_nets(models, options),
            regions=models.schema.regions,
            pose="pose" in options.faces.columns,
            deferred=True,
        )
        return [
            finder,
            LoadSheddingClassifier(classifier, self.load_shedder),
            People(models.weights, options.vote),
            *_details(options),
        ]

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """In threads, which never keep the source waiting; see `Policy`."""
        return _NewestResults(source, stages, self.load_shedder, observer)


@dataclass(frozen=True, slots=True)
class EachAlone:
    """Every picture by itself, in whole batches: for photographs, which know nothing of one another.

    Attributes:
        finders: threads that find faces; by default a core each. Results do not depend on how many.
        inline: in the caller's own thread, one after the other.
    """

    finders: int | None = None
    inline: bool = False

    def stages(self, models: Models, options: Options) -> list[Step]:
        """See `Policy`."""
        finders = 1 if self.inline else self.finders or min(available_cores(), _MOST_CLASSIFIERS)
        classifiers = 1 if self.inline else Workers.of(options).classifiers
        schema = models.schema
        return [
            [
                PhotographFinder(
                    options.faces.max_faces,
                    nets=_nets(models, options),
                    regions=schema.regions,
                    pose="pose" in options.faces.columns,
                )
                for _ in range(finders)
            ],
            [
                EmotionClassifier(models.regions, _PHOTOGRAPHS_A_BATCH, full=True, schema=schema)
                for _ in range(classifiers)
            ],
            Strangers(models.weights, options.vote),
            *_details(options),
        ]

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """See `Policy`."""
        if self.inline:
            return InlinePipeline[EmotionFrame](source, stages, observer=observer)
        # Few: a photograph has fifty times the pixels of a video's picture.
        return Pipeline[EmotionFrame](source, stages, capacity=2, observer=observer)


@dataclass(frozen=True, slots=True)
class Inline:
    """Every frame, one after the other in the thread of whoever iterates: nothing works ahead.

    Options on workers, finders and strides say nothing to it.

    A frame is done sooner so than when it waits in line between threads, so this is for who has one
    picture, or takes the newest one anew for each result.
    """

    def stages(self, models: Models, options: Options) -> list[Step]:
        """One worker a stage and one frame a batch; see `Policy`."""
        return [*_causal_stages(Workers(1, 1, 1, 1), models, options), *_details(options)]

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """Nothing is done before the first result is asked for; see `Policy`."""
        return InlinePipeline[EmotionFrame](source, stages, observer=observer)


def _causal_stages(workers: Workers, models: Models, options: Options) -> list[Step]:
    """From pictures to what is thought of their faces, each by what was alone."""
    schema = models.schema
    return [
        FaceFinder(
            options.faces.max_faces,
            nets=_nets(models, options),
            turns=workers.finders,
            stride=workers.stride,
            regions=schema.regions,
            pose="pose" in options.faces.columns,
        ),
        [
            EmotionClassifier(models.regions, workers.batch, full=True, schema=schema)
            for _ in range(workers.classifiers)
        ],
        People(models.weights, options.vote),
    ]


def _batch_of(most: int, width: int, height: int) -> int:
    """How many pictures of a size a classifier takes at once: large ones cost the networks no more."""
    return max(1, min(most, _PIXELS_A_BATCH // (width * height)))


def _capacity_for(source: Iterable[VideoFrame], shown: bool) -> int | None:
    """How many pictures of a file wait before each stage: few where they are large; None for the usual.

    Where writing is what takes longest, all stages before it are full: of 1920x1080 with 95 pictures.

    Args:
        source: the file.
        shown: whether pictures are written; else no stage is kept waiting by that.
    """
    info = getattr(source, "info", None)
    pixels = info.width * info.height if isinstance(info, VideoInfo) else 0
    if pixels < _LARGE:
        return None
    return 0 if shown and pixels >= _HUGE else _FEW


def _nets(models: Models, options: Options) -> LandmarkNets | None:
    """What finds the faces; None: MediaPipe, which alone tells how heads are turned."""
    return None if "pose" in options.faces.columns else models.nets


def _details(options: Options) -> list[Step]:
    """The stage that tells what else is asked for; none where that is nothing.

    Raises:
        OptionError: the pose is asked for, and what finds the faces does not tell it.
    """
    wanted = options.faces.columns
    if "pose" in wanted and options.engine.landmarks == "onnx":
        raise OptionError("columns", "columns can have the pose only where landmarks is auto or mediapipe.")
    return [Details(wanted, options.vote.certain)] if wanted else []


class _NewestResults:
    """A pipeline behind a slot for the newest frame, and the load shedder that is told how late it is."""

    def __init__(
        self,
        source: Iterable[VideoFrame],
        stages: Sequence[Step],
        load_shedder: LoadShedder,
        observer: Observer,
    ) -> None:
        self._load_shedder = load_shedder
        self._slot: LatestSlot[VideoFrame] = LatestSlot()
        self._follow_load()
        self._pipeline = Pipeline[EmotionFrame](
            source, stages, inbox=self._slot, capacity=1, observer=observer
        )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EmotionFrame:
        result = next(self._pipeline)
        self._slot.done()
        now = time.monotonic()
        if self._load_shedder.note(now - result.frame.captured_at, now):
            self._follow_load()
        return result

    def close(self) -> None:
        self._pipeline.close()

    def _follow_load(self) -> None:
        saving = self._load_shedder.saving
        self._slot.in_flight, self._slot.every = saving.in_flight, saving.faces_every
