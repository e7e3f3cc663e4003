"""The mean course of expressions over many videos, and its confidence interval."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit  # scipy.stats takes a second to import

from emotion.realtime.sinks.study_record import FULL
from emotion.study.outcome import StudiedVideo

Time: TypeAlias = Literal["relative", "absolute"]
TIMES: tuple[Time, ...] = ("relative", "absolute")
ALL = "all"
_STRETCHES = 50
_STEPS = (0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_STRETCHES = 120
_DIGITS = 4

Table: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean course of a group's videos.

    Attributes:
        group: which videos.
        time: relative to each video's length, or from its beginning.
        step: length of a time bin: relative to 1, or in seconds.
        videos: int64 (bins,): number of videos with a known face.
        mean, low, high: float64 (bins, classes): with the 95% interval of the mean, Student's t over
            videos; NaN if unknown, the interval also with only one video.
    """

    group: str
    time: Time
    step: float
    videos: npt.NDArray[np.int64]
    mean: Table
    low: Table
    high: Table


@dataclass(frozen=True, slots=True)
class Courses:
    """The mean courses of a study: of all videos, and of each group if there are several."""

    classes: tuple[str, ...]
    means: tuple[Mean, ...]

    def rows(self) -> list[Mapping[str, Any]]:
        """One row per class and time bin, for ``course.csv``."""
        return [
            {
                "group": one.group,
                "time": one.time,
                "at": round((number + 0.5) * one.step, _DIGITS),
                "emotion": name,
                "videos": int(one.videos[number]),
                "mean": _rounded(one.mean[number, place]),
                "low": _rounded(one.low[number, place]),
                "high": _rounded(one.high[number, place]),
            }
            for one in self.means
            for number in np.flatnonzero(one.videos)
            for place, name in enumerate(self.classes)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """The course of a video: float64 (bins, classes), NaN if unknown; and seconds per bin."""

    shares: Table
    seconds: float


def courses(
    studied: Sequence[StudiedVideo], classes: Sequence[str], group: Callable[[StudiedVideo], str]
) -> Courses:
    """The mean courses.

    Args:
        studied: videos.
        classes: of the models.
        group: the group of a video; with one group there is only the course of all.
    """
    found = [(group(one), course) for one in studied if (course := _course(one, classes)) is not None]
    groups = {
        name: [course for of, course in found if of == name] for name in sorted({of for of, _ in found})
    }
    named = {ALL: [course for _, course in found]}
    if len(groups) > 1:
        # A folder or value of that name is a group beside all.
        named |= {f"{ALL} (group)" if name == ALL else name: some for name, some in groups.items()}
    step = _step([course for _, course in found])
    return Courses(
        tuple(classes),
        tuple(_mean(name, time, some, step) for name, some in named.items() for time in TIMES if some),
    )


def _course(studied: StudiedVideo, classes: Sequence[str]) -> _Course | None:
    record = studied.record
    if record is None or list(record["classes"]) != list(classes):
        return None
    data = np.frombuffer(base64.b64decode(record["course"]), np.uint8)
    table = data.reshape(record["bins"], len(record["columns"])).astype(float) / FULL
    shares = np.where(table[:, :1] > 0, table[:, 2:], np.nan)
    return _Course(shares, float(record["bin"]))


def _step(some: Sequence[_Course]) -> float:
    longest = max((len(one.shares) * one.seconds for one in some), default=1.0)
    return next(
        (float(step) for step in _STEPS if longest / step <= _MOST_STRETCHES), longest / _MOST_STRETCHES
    )


def _mean(group: str, time: Time, some: Sequence[_Course], step: float) -> Mean:
    if time == "relative":
        step = 1 / _STRETCHES
        each = [_stretched(one.shares, 1 / len(one.shares), step, _STRETCHES) for one in some]
    else:
        count = max(-int(-len(one.shares) * one.seconds // step) for one in some)
        each = [_stretched(one.shares, one.seconds, step, count) for one in some]
    return Mean(group, time, step, *_interval(np.stack(each)))


def _stretched(shares: Table, seconds: float, step: float, count: int) -> Table:
    """Float64 (count, classes): the mean of known values in each bin; NaN if there are none."""
    edges = np.arange(len(shares) + 1) * seconds
    known = np.isfinite(shares[:, :1]).astype(float)
    values = np.column_stack([known, np.nan_to_num(shares)])
    totals = np.vstack([np.zeros(values.shape[1]), np.cumsum(values * seconds, axis=0)])
    marks = np.arange(count + 1) * step
    at = np.column_stack([np.interp(marks, edges, column) for column in totals.T])
    inside = np.diff(at, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Table = np.where(inside[:, :1] > 1e-9, inside[:, 1:] / inside[:, :1], np.nan)
    return means


def _interval(each: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], Table, Table, Table]:
    """The number of videos with known values, the mean, and the ends of its interval.

    Args:
        each: float64 (videos, bins, classes); NaN if unknown.
    """
    known = np.isfinite(each[:, :, :1])
    count = known.sum(axis=0)
    values = np.nan_to_num(each)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = values.sum(axis=0) / count
        spread = np.sqrt((known * (values - mean) ** 2).sum(axis=0) / (count - 1))
        half = stdtrit(np.maximum(count - 1, 1), 0.975) * spread / np.sqrt(count)
    half[np.broadcast_to(count < 2, half.shape)] = np.nan
    return count[:, 0], mean, np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1)


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), _DIGITS)
