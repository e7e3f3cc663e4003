"""Additional columns of a face, such as blendshapes and pose, which are written on request.

===========  ====================================================================================
option       columns
===========  ====================================================================================
blendshapes  ``blendshape_jawOpen`` and 51 more, in [0, 1], by ARKit's names; MediaPipe's ``_neutral``
             replaces ARKit's ``tongueOut``
             pose         ``yaw``, ``pitch``, ``roll`` in degrees; all 0 if the face looks into the camera.
             Yaw grows as the face turns to the right side of the picture, pitch as it looks up, roll as the
             head leans to the left side of the picture
quality      ``eye_distance`` in pixels, between the outer corners of the eyes; ``sharpness``, the
             Laplacian's standard deviation in gray levels (of the face
             at most 128 pixels wide); ``light``, the face's mean gray in [0, 1]; ``hidden``, the regions
             that are hidden, separated by spaces
             reason       ``uncertain_because``: ``hidden`` (all regions are hidden), ``undecided`` (no class
                 has
                          enough probability for a label) or ``brief`` (one has it, but not for the dwell
                          time); empty if there is a label
landmarks    ``landmarks``: 478 points as x and y in turn, in pixels; in Parquet and in Python only
===========  ====================================================================================
"""

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from emotion.models.faces.picture import BLENDSHAPES

Detail: TypeAlias = Literal["blendshapes", "pose", "quality", "reason", "landmarks"]
DETAILS: tuple[Detail, ...] = get_args(Detail)
POSE = ("yaw", "pitch", "roll")
QUALITY = ("eye_distance", "sharpness", "light", "hidden")
REASON = "uncertain_because"
LANDMARKS = "landmarks"
WORDS = frozenset({"hidden", REASON})
"""The columns with text; the others have numbers."""


def _arkit(name: str) -> str:
    return "_neutral" if name == "neutral" else re.sub("_([a-z])", lambda found: found[1].upper(), name)


ARKIT: tuple[str, ...] = tuple(map(_arkit, BLENDSHAPES))
"""ARKit's names of MediaPipe's blendshapes, in the order of `BLENDSHAPES`."""
_COLUMNS: dict[str, tuple[str, ...]] = {
    "blendshapes": tuple(f"blendshape_{name}" for name in ARKIT),
    "pose": POSE,
    "quality": QUALITY,
    "reason": (REASON,),
}


def detail_columns(wanted: Sequence[str]) -> tuple[str, ...]:
    """The columns of some of `DETAILS`, except the landmarks, which are not a single value."""
    return tuple(column for name in DETAILS if name in wanted for column in _COLUMNS.get(name, ()))
