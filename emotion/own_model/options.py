"""The options of a model of the user's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from emotion.models.engines.options import model_folder, model_folder_name
from emotion.models.manifest import DEFAULT
from emotion.models.options import Option, Spelling, check


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOptions:
    """What a model of one's own begins with, and how it is judged."""

    TITLE: ClassVar[str] = "Learning"

    start_from: Annotated[
        Path,
        Option(
            help="The models whose networks are kept: those that ship, or a folder of models.",
            metavar="lite|standard|FOLDER",
            spelling=Spelling(model_folder, model_folder_name),
        ),
    ] = DEFAULT
    neutral: Annotated[
        str, Option(help="The class of a face at rest, for --baseline; 'neutral' where there is one.")
    ] = ""
    group_by: Annotated[
        Path | None,
        Option(help="Who is who: a CSV with columns path and person. A person stays on one side of a split."),
    ] = None
    person: Annotated[
        str,
        Option(
            help="Who is who by the file's name: a pattern whose first group is the person, as '([a-z]+)_'.",
            metavar="PATTERN",
        ),
    ] = ""
    hold_out: Annotated[
        float,
        Option(
            help="Share of each class that is kept to judge on, where each has 100 photographs; with fewer, "
            "all are judged by models that did not learn from them.",
            ge=0,
            le=0.5,
        ),
    ] = 0.2
    every: Annotated[
        float, Option(help="Of videos: the time between two frames; 0: all.", unit="seconds", ge=0)
    ] = 0.5
    int8: Annotated[bool, Option(help="Offer int8 models too, where they say the same.")] = True
    about_data: Annotated[str, Option(help="Which photographs these are, and their terms; for the card.")] = (
        ""
    )
    seed: Annotated[int, Option(help="Decides which faces are held out.", ge=0, le=2**32 - 1)] = 0

    def __post_init__(self) -> None:
        check(self)
