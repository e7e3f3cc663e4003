"""All options of a run from source to results, in one object that is read once and passed on.

Each group is defined in its own package. `emotion.models.options` makes the command line, the HTTP
interface and Python's keywords from it: a new option needs a field in its group, the code that uses it, and
a test.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from emotion.models.engines.options import EngineOptions
from emotion.models.options import Option, check
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.sinks.options import OutputOptions
from emotion.realtime.sources.options import FileOptions, LiveOptions
from emotion.realtime.stages.options import FaceOptions, VoteOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All options of a run, in groups; immutable.

    ::

        from emotion.realtime.options import FaceOptions, Options, VoteOptions

        options = Options(faces=FaceOptions(max_faces=2), vote=VoteOptions(smooth=0.5))
        emotion.stream("clip.mp4", options=options)  # the same as max_faces=2, smooth=0.5

    Attributes:
        faces: detection and tracking of faces.
        vote: from predictions to labels.
        drawing: how results are drawn.
        file: how a video file is read.
        live: how a live source is opened and read.
        outputs: which files and live outputs are written.
        engine: models and how they are run.
        offline: forbid all network access.

    Raises:
        OptionError: a value is out of bounds, or values contradict each other.
    """

    TITLE: ClassVar[str] = "Network"

    faces: FaceOptions = field(default_factory=FaceOptions)
    vote: VoteOptions = field(default_factory=VoteOptions)
    drawing: DrawingOptions = field(default_factory=DrawingOptions)
    file: FileOptions = field(default_factory=FileOptions)
    live: LiveOptions = field(default_factory=LiveOptions)
    outputs: OutputOptions = field(default_factory=OutputOptions)
    engine: EngineOptions = field(default_factory=EngineOptions)
    offline: Annotated[bool, Option(help="Forbid all network access: any attempt is an error.")] = False

    def __post_init__(self) -> None:
        check(self)
