"""Which frames are analysed, and in which threads: files, live sources, photographs, and single pictures.

==============  ========================  =================================  ===========================
policy          frames                    threads                            when stages are busy
==============  ========================  =================================  ===========================
`EveryFrame`    all, in whole batches     one for each worker of a stage     the source waits
`NewestFrame`   the newest; less work     one for each stage                 older frames are dropped
                under load
`EachPicture`   all, as photographs       one for each worker of a stage     the source waits
`Inline`        all, one by one           the caller's own                   the caller waits
==============  ========================  =================================  ===========================
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self, TypedDict

from emotion.models.cores import available_cores
from emotion.models.engines.landmark_nets import LandmarkNets
from emotion.models.errors import OptionError
from emotion.models.regions import Regions
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
from emotion.realtime.stages.photographs import PhotographFinder, PhotographPeople
from emotion.realtime.stages.tap import Tap

# One finder keeps about so many single-threaded classifiers busy.
_MOST_CLASSIFIERS = 4
_PHOTOGRAPHS_A_BATCH = 4
# Pixels from which on a picture is large, and how many of them wait then; and from which on none does.
_LARGE, _FEW, _HUGE = 1_500_000, 2, 4_000_000
# And of what one classifier takes at once: eight pictures of 1280x720, four of 1920x1080, one of 3840x2160.
_PIXELS_A_BATCH = 8_300_000


def default_classifiers(cores: int | None = None) -> int:
    """One worker for each core, at least two."""
    return max(2, min(_MOST_CLASSIFIERS, cores or available_cores()))


@dataclass(frozen=True, slots=True)
class Workers:
    """Number of workers of the costly stages, and what each takes at once.

    Attributes:
        classifiers: workers that run the models; results do not depend on their number.
        finders: threads that track faces, each in a share of the frames: landmarks are less steady than with
            one, by less than a hundredth of the distance between the eyes.
        batch: number of frames that a classifier takes at once.
        stride: landmarks are found in one of so many frames and interpolated in the others: half a hundredth
            of that distance away, at 30 frames a second and a stride of two. The models run on each frame
            all the same. None: the largest stride that the frames' times allow.
    """

    classifiers: int = field(default_factory=default_classifiers)
    finders: int = 1
    batch: int = 8
    stride: int | None = None

    @classmethod
    def of(cls, options: Options) -> "Workers":
        """As the options say; by default for this machine."""
        faces, engine = options.faces, options.engine
        classifiers = engine.workers or default_classifiers()
        return cls(classifiers, faces.finders or 1, engine.batch, faces.stride)

    def __post_init__(self) -> None:
        if min(self.classifiers, self.finders, self.batch, 1 if self.stride is None else self.stride) < 1:
            raise ValueError("there is one classifier, one finder, one frame a batch and a stride at least")


class _Finding(TypedDict):
    """Arguments that `FaceFinder` and `PhotographFinder` share."""

    max_faces: int
    nets: LandmarkNets | None
    regions: Regions
    pose: bool


class Results(Protocol):
    """Results as they are made, in the order of their frames."""

    def __next__(self) -> EmotionFrame:
        """The next one; StopIteration at the end; what the source or a stage raised."""

    def close(self) -> None:
        """Stop, and free what is held. May be called again."""


class Policy(Protocol):
    """Which frames are analysed, and in which threads."""

    def stages(self, models: Models, options: Options) -> list[Step]:
        """All stages from `VideoFrame` to `EmotionFrame`. It takes seconds, so a live source is opened later.

        Raises:
            ModelFileError: the landmark model is missing or damaged.
        """

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """Set a source and its stages to work."""


@dataclass(frozen=True, slots=True)
class EveryFrame:
    """Every frame, in whole batches: for files.

    Results look ahead by a second, unless options want them causal.

    Attributes:
        workers: of the costly stages; by default as the options say.
        capacity: the most items that wait before each stage, as of `Pipeline`; few where the source
            chooses what is worth being looked at.
        tap: is called with each causal result, before later frames change it; in a thread of its own.
        size: (width, height) of all pictures, where that is known: those that are too small for faces are not
            analysed, and batches of large ones are smaller.
        pictures: whether the results' pictures are used; else only their size is kept while they wait.
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
        return [
            FaceFinder(**_finding(models, options), deferred=True),
            LoadSheddingClassifier(classifier, self.load_shedder),
            People(models.weights, options.vote),
            *_details(options),
        ]

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """In threads, which never keep the source waiting; see `Policy`."""
        return _NewestResults(source, stages, self.load_shedder, observer)


@dataclass(frozen=True, slots=True)
class EachPicture:
    """Every picture independently of the others, in whole batches: for photographs.

    Attributes:
        finders: threads that find faces; by default one for each core. Results do not depend on their number.
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
            [PhotographFinder(**_finding(models, options)) for _ in range(finders)],
            [
                EmotionClassifier(models.regions, _PHOTOGRAPHS_A_BATCH, full=True, schema=schema)
                for _ in range(classifiers)
            ],
            PhotographPeople(models.weights, options.vote),
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
    """Every frame, one after the other in the caller's thread: nothing is computed ahead.

    Options on workers, finders and strides have no effect. A single frame is done sooner than in a pipeline
    of threads, so this is for single pictures, and for callers that take the newest one for each result.
    """

    def stages(self, models: Models, options: Options) -> list[Step]:
        """One worker a stage and one frame a batch; see `Policy`."""
        return [*_causal_stages(Workers(1, 1, 1, 1), models, options), *_details(options)]

    def start(self, source: Iterable[VideoFrame], stages: Sequence[Step], observer: Observer) -> Results:
        """Nothing is done before the first result is asked for; see `Policy`."""
        return InlinePipeline[EmotionFrame](source, stages, observer=observer)


def _causal_stages(workers: Workers, models: Models, options: Options) -> list[Step]:
    """From pictures to the emotions of their faces, each from this and earlier frames alone."""
    schema = models.schema
    return [
        FaceFinder(**_finding(models, options), turns=workers.finders, stride=workers.stride),
        [
            EmotionClassifier(models.regions, workers.batch, full=True, schema=schema)
            for _ in range(workers.classifiers)
        ],
        People(models.weights, options.vote),
    ]


def _batch_of(most: int, width: int, height: int) -> int:
    """Number of pictures of a size that a classifier takes at once: those of large ones take memory."""
    return max(1, min(most, _PIXELS_A_BATCH // (width * height)))


def _capacity_for(source: Iterable[VideoFrame], shown: bool) -> int | None:
    """Number of pictures of a file that wait before each stage: few where they are large; None for the usual.

    Where writing takes longest, the queues of all stages before it are full: of 1920x1080 with 95 pictures.

    Args:
        source: the file.
        shown: whether pictures are written.
    """
    info = getattr(source, "info", None)
    pixels = info.width * info.height if isinstance(info, VideoInfo) else 0
    if pixels < _LARGE:
        return None
    return 0 if shown and pixels >= _HUGE else _FEW


def _finding(models: Models, options: Options) -> _Finding:
    """How faces are found, for the stage that does. MediaPipe alone estimates the pose of heads."""
    pose = "pose" in options.faces.columns
    return {
        "max_faces": options.faces.max_faces,
        "nets": None if pose else models.nets,
        "regions": models.schema.regions,
        "pose": pose,
    }


def _details(options: Options) -> list[Step]:
    """The stage that computes additional columns; none where there are none.

    Raises:
        OptionError: the pose is wanted, and what finds the faces does not estimate it.
    """
    wanted = options.faces.columns
    if "pose" in wanted and options.engine.landmarks == "onnx":
        raise OptionError("columns", "columns can have the pose only where landmarks is auto or mediapipe.")
    return [Details(wanted, options.vote.certain)] if wanted else []


class _NewestResults:
    """A pipeline behind a slot for the newest frame; its latency is reported to the load shedder."""

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
