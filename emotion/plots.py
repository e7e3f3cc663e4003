"""Results as matplotlib plots: probabilities of a picture or over time, and how many faces have each label.

Each function draws into the axes that it is given, or into new ones, and returns them.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from emotion.models.classes import Classes
from emotion.models.words import counted
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities

if TYPE_CHECKING:
    import matplotlib.axes

NamedFrame: TypeAlias = tuple[str, EmotionFrame]
"""A file's name, and the result of one of its pictures."""

# Of the faces in a plot of bars.
_HATCHES = ("", "//", "..", "xx")
# Of people in a plot over time.
_STYLES: tuple[Literal["-", "--", ":", "-."], ...] = ("-", "--", ":", "-.")
_NO_CLASS = "#808080"
# Up to here shares are small: an axis to 1 would leave them at its foot.
_SMALL = 0.5


def plot_bars(ax: "matplotlib.axes.Axes | None", result: NamedFrame) -> "matplotlib.axes.Axes":
    """Each face's probabilities as bars in the classes' colours; of several faces each has its hatching."""
    axes = _axes(ax)
    source, frame = result
    classes, faces = frame.schema.classes, frame.faces
    width = 0.8 / max(1, len(faces))
    for number, face in enumerate(faces):
        shares = np.zeros(len(classes)) if face.probabilities is None else face.probabilities
        axes.bar(
            [place + width * (number - (len(faces) - 1) / 2) for place in range(len(classes))],
            shares.tolist(),
            width,
            color=list(classes.on_white),
            edgecolor="white",
            hatch=_HATCHES[number % len(_HATCHES)],
            label=f"face {face.track_id}: {face.label}",
        )
    axes.set(ylim=(0, 1), ylabel="probability", title=source)
    axes.set_xticks(range(len(classes)), list(classes))
    if faces:
        for patch in axes.legend().get_patches():
            patch.set_facecolor(_NO_CLASS)
    return axes


def plot_counts(
    ax: "matplotlib.axes.Axes | None", results: Sequence[NamedFrame], classes: Classes
) -> "matplotlib.axes.Axes":
    """How many faces have each label."""
    axes = _axes(ax)
    labels = [face.label for _, frame in results for face in frame.faces]
    colours = dict(zip(classes, classes.on_white, strict=True))
    names = [*classes, *sorted(set(labels) - set(classes))]
    axes.bar(
        names, [labels.count(name) for name in names], color=[colours.get(name, _NO_CLASS) for name in names]
    )
    axes.locator_params("y", integer=True)
    axes.set(ylabel="faces", title=f"{counted(len(labels), 'face')} in {counted(len(results), 'photograph')}")
    return axes


def plot_times(
    ax: "matplotlib.axes.Axes | None",
    results: Sequence[NamedFrame],
    emotions: Sequence[str],
    people: Sequence[int] | None,
    classes: Classes,
) -> "matplotlib.axes.Axes":
    """Probabilities over time, one line per person and class.

    Args:
        ax: axes to draw into; None: new ones.
        results: the pictures, in their order.
        emotions: the classes to show.
        people: track ids of the people to show; None: all.
        classes: all that there are.

    Raises:
        ValueError: one of these track ids does not occur.
    """
    lines = _lines(results, people)
    if people is not None and (missing := sorted(set(people) - {id_ for _, id_ in lines})):
        known = sorted({id_ for _, id_ in _lines(results, None)})
        raise ValueError(
            f"no person has the number {missing[0]}: there are {', '.join(map(str, known)) or 'none'}"
        )
    axes = _axes(ax)
    several = len({source for source, _ in lines}) > 1
    by_person = len(emotions) == 1 and len(lines) > 1
    colours = dict(zip(classes, classes.on_white, strict=True))
    numbers = {id_: number for number, id_ in enumerate(dict.fromkeys(id_ for _, id_ in lines))}
    for (source, id_), (times, shares) in lines.items():
        who = f"{Path(source).name} " if several else ""
        alone = _alone(shares[:, 0])
        for name in emotions:
            axes.plot(
                times,
                shares[:, classes.index(name)],
                _STYLES[0] if by_person else _STYLES[numbers[id_] % len(_STYLES)],
                color=None if by_person else colours[name],
                label=f"{who}person {id_}: {name}",
                # A line of a single point is invisible.
                marker="o" if alone else None,
                markevery=alone or None,
            )
    axes.set(xlabel="seconds", ylabel="probability", ylim=(0, top(axes)))
    if len(emotions) > 1 and len(lines) > 1:
        _legend_of_parts(axes, {name: colours[name] for name in emotions}, numbers)
    elif lines:
        axes.legend(fontsize="small")
    return axes


def _alone(shares: npt.NDArray[np.float32]) -> list[int]:
    """The places of values that have no neighbour: an appearance of a single frame, or a photograph."""
    there = np.pad(np.isfinite(shares), 1)
    return [int(place) for place in np.flatnonzero(there[1:-1] & ~there[:-2] & ~there[2:])]


def _legend_of_parts(
    axes: "matplotlib.axes.Axes", colours: Mapping[str, str], numbers: Mapping[int, int]
) -> None:
    """A legend of each colour and each style; one entry for each line would hide the lines."""
    from matplotlib.lines import Line2D  # noqa: PLC0415  it takes half a second

    classes = [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    people = [
        Line2D([], [], color=_NO_CLASS, linestyle=_STYLES[number % len(_STYLES)], label=f"person {id_}")
        for id_, number in numbers.items()
    ]
    axes.legend(handles=[*classes, *people], fontsize="small", ncols=2)


def top(axes: "matplotlib.axes.Axes") -> float:
    """Where the axis of shares ends: at 1, or, where all of them are small, a little above them."""
    most = max(
        (float(np.nanmax(np.asarray(line.get_ydata(), float), initial=0.0)) for line in axes.lines),
        default=1.0,
    )
    return 1.0 if most > _SMALL else math.ceil(10 * most + 0.2) / 10


def _axes(ax: "matplotlib.axes.Axes | None") -> "matplotlib.axes.Axes":
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt  # noqa: PLC0415  it takes half a second

    return plt.subplots(figsize=(9, 3.5), layout="constrained")[1]


_Line: TypeAlias = tuple[list[float], npt.NDArray[np.float32]]


def _lines(results: Sequence[NamedFrame], people: Sequence[int] | None) -> dict[tuple[str, int], _Line]:
    """By source and person, their times and smoothed probabilities, float32 (n, classes); gaps are NaN."""
    found: dict[tuple[str, int], tuple[list[float], list[Probabilities]]] = {}
    last: dict[tuple[str, int], int] = {}
    for source, frame in results:
        index, seconds = frame.frame.index, frame.frame.seconds
        for face in frame.faces:
            if people is None or face.track_id in people:
                key = source, face.track_id
                times, shares = found.setdefault(key, ([], []))
                if key in last and last[key] < index - 1:
                    times.append(seconds)
                    shares.append(_nothing(face))
                times.append(seconds)
                shares.append(_nothing(face) if face.probabilities is None else face.probabilities)
                last[key] = index
    return {key: (times, np.stack(shares)) for key, (times, shares) in found.items()}


def _nothing(face: FaceEmotion) -> Probabilities:
    return np.full(len(face.classes), np.nan, np.float32)
