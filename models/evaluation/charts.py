"""The report's charts, as SVG that takes its colours from the page: light and dark alike."""

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emotion.models.evaluation.evaluate import Slice
from emotion.models.evaluation.scores import Scores
from emotion.models.palette import distinct
from emotion.models.statistics.intervals import Interval

# Matplotlib needs real colours; each of these is a placeholder that one of the page's replaces.
_INK, _MUTED, _GRID = "#010101", "#020202", "#030303"
_VOTE = "#0a0a04"
_SERIES = {"eyes": "#0a0a01", "lips": "#0a0a02", "blendshapes": "#0a0a03", "vote": _VOTE}
_VARIABLES = {_INK: "ink", _MUTED: "muted", _GRID: "grid"} | {c: name for name, c in _SERIES.items()}
# A bin with fewer faces is too noisy to draw.
FEW = 10
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "emotion",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _MUTED,
    "axes.edgecolor": _GRID,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def series(scores: Mapping[str, Scores]) -> dict[str, str]:
    """The colour of each predictor: the page's own, and for other regions a distinct one."""
    others = [name for name in scores if name not in _SERIES]
    made = dict(zip(others, distinct(len(others)), strict=True))
    return {name: _SERIES.get(name) or made[name] for name in scores}


def emotions(scores: Mapping[str, Scores]) -> str:
    """Recall of every predictor for every emotion, with intervals."""
    colours = series(scores)
    # Recall of a class without faces is undefined.
    shown = [index for index, row in enumerate(scores["vote"].emotions) if row.faces]
    labels = [scores["vote"].emotions[index].emotion for index in shown]

    def draw(axes: Axes) -> None:
        places = np.arange(len(labels))[::-1]
        step = 0.72 / len(colours)
        for index, (name, colour) in enumerate(colours.items()):
            rates = [scores[name].emotions[index].recall for index in shown]
            _points(axes, rates, places + step * ((len(colours) - 1) / 2 - index), colour, name)
        axes.set_yticks(places, labels)
        _percent_axis(axes)
        axes.set_xlabel("recall")

    return _svg(draw, (4.7, 4.3), legend=True)


def reliability(scores: Mapping[str, Scores]) -> str:
    """Reliability diagram: accuracy against confidence; on the diagonal both agree."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_MUTED, linestyle=(0, (4, 4)), linewidth=1)
        for name, colour in series(scores).items():
            bins = [part for part in scores[name].reliability if part.faces >= FEW]
            _plot_rates(
                axes, [b.confidence for b in bins], [b.accuracy for b in bins], name, colour, marker="o"
            )
        _percent_axis(axes)
        _percent_axis(axes, "y")
        axes.set(xlabel="confidence", ylabel="accuracy")

    return _svg(draw, (4.7, 3.8), legend=True)


def coverage(scores: Mapping[str, Scores]) -> str:
    """Accuracy against coverage, if the least confident faces are 'uncertain'."""

    def draw(axes: Axes) -> None:
        for name, colour in series(scores).items():
            points = scores[name].coverage
            _plot_rates(axes, [p.coverage for p in points], [p.accuracy for p in points], name, colour)
        _percent_axis(axes)
        _percent_axis(axes, "y")
        floor = min(point.accuracy.value for values in scores.values() for point in values.coverage)
        axes.set_ylim(max(0.0, np.floor(10 * floor - 0.5) / 10), 1.01)
        axes.set(xlabel="coverage: share of the faces with a label", ylabel="accuracy among these")

    return _svg(draw, (4.7, 3.8), legend=True)


def _plot_rates(
    axes: Axes, at: Sequence[float], rates: Sequence[Interval], name: str, colour: str, marker: str = ""
) -> None:
    """A line of rates; that of the vote is wider, and shows their intervals."""
    wide = name == "vote"
    if wide:
        low, high = [rate.low for rate in rates], [rate.high for rate in rates]
        axes.fill_between(at, low, high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(
        at,
        [rate.value for rate in rates],
        color=colour,
        linewidth=2.4 if wide else 1.3,
        marker=marker,
        markersize=4.5 if wide else 3,
        label=name,
    )


def forest(rows: Sequence[tuple[str, Interval]], marked: str) -> str:
    """Rates with their intervals under one another; one of them stands out."""

    def draw(axes: Axes) -> None:
        places = np.arange(len(rows))[::-1]
        for place, (name, rate) in zip(places, rows, strict=True):
            _points(axes, [rate], [place], _VOTE if name == marked else _MUTED, None)
        axes.set_yticks(places, [name for name, _ in rows])
        low, high = min(rate.low for _, rate in rows), max(rate.high for _, rate in rows)
        axes.set_xlim(np.floor(20 * low - 0.2) / 20, np.ceil(20 * high + 0.2) / 20)
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.grid(False, axis="y")

    return _svg(draw, (4.7, 0.7 + 0.34 * len(rows)))


def slices(rows: Sequence[Slice], axis: str, chance: float) -> str:
    """Accuracy of the vote on subsets of the faces, or on changed pictures; `chance` is a guess's."""

    def draw(axes: Axes) -> None:
        places = np.arange(len(rows))[::-1]
        _points(axes, [row.accuracy for row in rows], places, _VOTE, None)
        axes.axvline(chance, color=_MUTED, linestyle=(0, (4, 4)), linewidth=1)
        axes.set_yticks(places, [f"{row.name}  (n {row.faces})" for row in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        _percent_axis(axes)
        axes.set_xlabel(axis)
        axes.grid(False, axis="y")

    return _svg(draw, (4.7, 0.8 + 0.34 * len(rows)))


def _points(
    axes: Axes, rates: Sequence[Interval], places: npt.ArrayLike, colour: str, label: str | None
) -> None:
    values = np.array([rate.value for rate in rates])
    errors = [values - [rate.low for rate in rates], np.array([rate.high for rate in rates]) - values]
    axes.errorbar(
        values,
        places,
        xerr=np.maximum(errors, 0),
        fmt="o",
        color=colour,
        markersize=5,
        elinewidth=1.8,
        label=label,
    )


def _percent_axis(axes: Axes, which: str = "x") -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.set(**{f"{which}lim": (0, 1.01), f"{which}ticks": np.linspace(0, 1, 6)})


def _svg(draw: Callable[[Axes], None], size: tuple[float, float], legend: bool = False) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        draw(axes)
        if legend:
            figure.legend(loc="outside upper left", ncols=4, handletextpad=0.4, columnspacing=1.2)
        file = io.StringIO()
        with warnings.catch_warnings():
            # Text stays text: the viewer has the fonts.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = file.getvalue()[file.getvalue().index("<svg") :]
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "inherit", svg)
    # The page decides on the size; the view box keeps the proportions.
    return re.sub(
        r'(<svg[^>]*?) width="[^"]*"',
        r"\1",
        re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1),
        count=1,
    )
