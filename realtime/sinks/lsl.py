"""Results as a Lab Streaming Layer stream, for example for EEG recordings.

One stream of the type `Expression`: for each of `max_faces` people a number and a probability per class.
There is one sample per result (irregular rate), with the time at which the picture was captured, by the
layer's clock. People keep their channels while they are in the picture; without a person, and
without probabilities, values are NaN.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emotion.models.classes import Classes
from emotion.models.errors import MissingDependencyError
from emotion.models.installing import pip_install
from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame, FaceEmotion
from emotion.realtime.sinks.base import Sink

NAME = "emotion-live"
TYPE = "Expression"
_NOBODY = float("nan")


class LslSink(Sink):
    """A stream outlet; receivers are optional.

    Args:
        source: of the pictures, by which a lost stream can be found again.
        people: maximum number of faces in a picture.
        classes: of the results.

    Raises:
        MissingDependencyError: pylsl, or the library below it, is not installed.
    """

    def __init__(self, source: str, people: int, classes: Classes) -> None:
        self._lsl = _library()
        self._classes = classes
        self._slots: list[int | None] = [None] * people
        info = self._lsl.StreamInfo(
            NAME, TYPE, people * (1 + len(classes)), self._lsl.IRREGULAR_RATE, "float32", f"emotion:{source}"
        )
        _describe(info.desc(), people, classes)
        self._outlet: Any = self._lsl.StreamOutlet(info)

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Send a result; see `Sink.write`. It never waits for receivers."""
        faces = {face.track_id: face for face in result.faces}
        self._slots = seated(self._slots, list(faces))
        values = [value for key in self._slots for value in self._values(faces.get(key) if key else None)]
        # The layer's clock is the monotonic one with an offset.
        ago = time.monotonic() - result.frame.captured_at
        self._outlet.push_sample(values, self._lsl.local_clock() - ago)

    def close(self) -> Path | None:
        """Remove the stream from the network."""
        self._outlet = None
        return None

    def abort(self) -> Path | None:
        """As `close`."""
        return self.close()

    def _values(self, face: FaceEmotion | None) -> Iterator[float]:
        shares = None if face is None else face.probabilities_of("probabilities")
        yield _NOBODY if face is None else float(face.track_id)
        yield from [_NOBODY] * len(self._classes) if shares is None else shares.tolist()


def seated(slots: list[int | None], present: list[int]) -> list[int | None]:
    """The place of each person: known people keep theirs, new ones take the first free one."""
    kept = [key if key in present else None for key in slots]
    for key in present:
        if key not in kept and None in kept:
            kept[kept.index(None)] = key
    return kept


def _describe(description: Any, people: int, classes: Classes) -> None:
    """Names, units and kinds of the channels, by XDF's specification of meta-data."""
    channels = description.append_child("channels")
    for person in range(1, people + 1):
        for label, unit, kind in (
            (f"person{person}_track_id", "number", "Identity"),
            *((f"person{person}_{name}", "probability", "Probability") for name in classes),
        ):
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", unit)
            channel.append_child_value("type", kind)
    note = "Apparent facial expressions, not feelings; smoothed probabilities, NaN where no face is found."
    description.append_child_value("note", note)
    # The delay of the camera is unknown: the stamp is the arrival of the picture.
    synchronization = description.append_child("synchronization")
    synchronization.append_child_value("can_drop_samples", "true")


def _library() -> Any:
    try:
        import pylsl  # noqa: PLC0415  an optional extra
    except (ImportError, RuntimeError) as error:  # RuntimeError: without the library below it
        raise MissingDependencyError(
            f"Lab Streaming Layer needs pylsl and liblsl ({type(error).__name__}). "
            f"Install them with: {pip_install('lsl')}"
        ) from error
    return pylsl
