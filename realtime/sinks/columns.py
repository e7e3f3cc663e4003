"""The columns of a timeline, the same in every table of it."""

from emotion.models.classes import EMOTIONS

PREDICTIONS = ("eyes", "lips", "blendshapes", "probabilities_frame", "probabilities")
"""Of a `FaceEmotion`: six probabilities each, or nothing where nobody gave any."""

SIDES = ("left", "top", "width", "height")
"""Of its box, in pixels."""

FRAME_COLUMNS: tuple[str, ...] = ("frame", "pts", "seconds")
FACE_COLUMNS: tuple[str, ...] = (
    "track_id",
    *SIDES,
    *(f"{opinion}_{emotion}" for opinion in PREDICTIONS for emotion in EMOTIONS),
    *("emotion", "confidence", "label", "since", "eyes_seen", "lips_seen"),
)
COLUMNS = FRAME_COLUMNS + FACE_COLUMNS
"""A row a face; a frame without faces has one row, whose face columns are empty."""
