"""A finished video as one web page: each person's emotions over time, beside the annotated video.

The page is a single file that loads nothing but the video. Its style and scripts are in `html_page/`;
the data from this module are described in `html_page/timeline.js`. The chart is also that of the
server's page.
"""

import base64
import html
import json
import os
import re
from importlib.resources import files
from itertools import groupby
from math import inf
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import numpy as np

from emotion.models.atomic_files import partial_path
from emotion.models.names import escaped
from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.base import Sink
from emotion.realtime.sinks.crowd import Crowd
from emotion.realtime.sinks.format import Format, Target
from emotion.realtime.sinks.partial_file import PartialFile, Publish
from emotion.realtime.sinks.summary import PersonSummary, Summary, SummaryBuilder, in_words
from emotion.realtime.sinks.time_bins import Person, TimeBins
from emotion.realtime.sinks.whole_document import WholeDocument

SCRIPTS = {name: Path(__file__).with_name("html_page") / name for name in ("shared.js", "chart.js")}
"""Modules for any page, each after those that it imports: small helpers; the chart of people over time."""

# People with less time have no row: they are mostly tracking errors.
_SHORTEST = 0.5
# A probability is one byte: this is 1, and `_UNSEEN` means that there is no prediction.
_FULL, _UNSEEN = 250, 255
# A gap in a live stream does not count as time of the last picture.
_LONGEST_LIVE = 1.0


class HtmlTimeline(WholeDocument):
    """A page with one row per person, which seeks in the video beside it.

    Memory and file size are bounded: there are at most 4096 time bins (0.04 s each at first, 1.28 s
    for an hour), about 140 kB for a person who is always present.

    Args:
        path: of the file.
        title: the page's heading, as a rule the video's name.
        video: the annotated video, which is also being written; None: there is none.
        source: the video being read, which is never written over, and which the page shows if there
            is no annotated one.
        origin: the stream's time, in seconds, at which players start to count.
        longest: maximum duration of a picture in seconds; see `models.statistics.shares.ScreenTimes`.
        publish: gives the complete file its final name.

    Raises:
        SinkError: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        title: str,
        *,
        video: Path | None = None,
        source: Path | None = None,
        origin: float = 0.0,
        longest: float = inf,
        publish: Publish = os.replace,
    ) -> None:
        super().__init__(PartialFile(path, source, publish))
        self._title = escaped(title)
        self._video = video
        self._source = source
        self._origin = origin
        self._bins = TimeBins(longest=longest)
        self._summary = SummaryBuilder(longest)
        self._crowd = Crowd()
        self._frames = 0

    def write(self, result: EmotionFrame, image: Image) -> None:
        """Add a frame; see `Sink.write`. The picture is not needed."""
        self._bins.add(result)
        self._summary.add(result)
        self._crowd.add(result)
        self._frames += 1

    def _is_worth_keeping(self) -> bool:
        return self._frames > 0

    def _document(self, part: bool) -> bytes:
        return self._page(self._video and (partial_path(self._video) if part else self._video)).encode()

    def _page(self, video: Path | None) -> str:
        shown = video or self._source
        template, style, script = map(page_part, ("timeline.html", "timeline.css", "timeline.js"))
        link = _link(shown, self._draft.path.parent) if shown else ""
        # Only a "<" could end a script element.
        summary = self._summary.build()
        data = json.dumps(self._data(shown, summary), separators=(",", ":")).replace("<", "\\u003c")
        sentence = summary.sentence()
        said = f"{sentence[0].upper()}{sentence[1:]}. {self._crowd.sentence()}".rstrip()
        return Template(template).substitute(
            title=html.escape(self._title),
            summary=html.escape(said),
            video=html.escape(link),
            style=style,
            # One script without imports, which contains the chart's module.
            script=f'"use strict";\n{chart_part()}\n{script}',
            data=data,
        )

    def _data(self, video: Path | None, summary: Summary) -> dict[str, Any]:
        numbers = {person.track_id: person for person in summary.people}
        everybody = self._bins.finish()
        people = [p for p in everybody if numbers[p.track_id].seconds >= _SHORTEST] or list(everybody)
        third = any(np.isfinite(person.means[:, -1]).any() for person in people)
        # The last, of the blendshapes, is left out if the vote does not use it.
        predictions = ("vote", *self._bins.rows[1:])[: None if third else -1]
        classes = self._bins.schema.classes
        return {
            "video": escaped(video.name) if video else "",
            "begin": round(self._bins.begin - self._origin, 3),
            "bin": self._bins.seconds,
            "bins": self._bins.count,
            "emotions": [
                {"name": name, "light": light, "dark": dark, "mark": min(3, mark)}
                for name, light, dark, mark in zip(
                    classes, classes.on_white, classes.on_dark, classes.marks, strict=True
                )
            ],
            "predictions": predictions,
            "people": [_person(p, numbers[p.track_id], len(predictions)) for p in people],
            "left_out": _left_out(len(everybody) - len(people)),
        }


def _person(person: Person, numbers: PersonSummary, predictions: int) -> dict[str, Any]:
    return {
        "name": f"Person {person.track_id}",
        "seconds": numbers.seconds,
        "shares": numbers.shares,
        "words": in_words(numbers.shares),
        "spans": _spans(person, predictions),
    }


def _spans(person: Person, predictions: int) -> list[tuple[int, str]]:
    """Runs of bins without a gap, each as (first bin, bytes in base64).

    A bin has one byte per class for each prediction, and one for its label.
    """
    means = person.means[:, :predictions].reshape(len(person.bins), -1)
    shares = np.where(np.isnan(means), _UNSEEN, np.rint(means * _FULL))
    shares = np.column_stack([shares, person.labels]).astype(np.uint8)
    spans = []
    for _, group in groupby(enumerate(person.bins), lambda pair: pair[1] - pair[0]):
        places = list(group)
        (first, start), (last, _) = places[0], places[-1]
        spans.append((start, base64.b64encode(shares[first : last + 1].tobytes()).decode()))
    return spans


def _left_out(count: int) -> str:
    if not count:
        return ""
    who = "Another person, who was" if count == 1 else f"{count} more people, each"
    return f"{who} seen for less than half a second, {'is' if count == 1 else 'are'} left out."


def page_part(name: str) -> str:
    """A part of a page without comments and indentation, to save space."""
    text = (files(__package__) / "html_page" / name).read_text(encoding="utf-8")
    lines = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def chart_part() -> str:
    """The shared modules as one text, for a script that is not a module and has no imports."""
    text = "\n".join(map(page_part, SCRIPTS))
    return re.sub(r"^(export |import .*\n)", "", text, flags=re.MULTILINE)


def _link(video: Path, folder: Path) -> str:
    """The video's path relative to the page."""
    try:
        # Bytes, because a name may not be UTF-8.
        return quote(os.fsencode(Path(os.path.relpath(video, folder)).as_posix()))
    except ValueError:  # another drive on Windows
        return video.resolve().as_uri()


def _open(target: Target) -> Sink:
    source = target.info.path
    return HtmlTimeline(
        target.path,
        (source or target.path).name,
        video=target.video,
        source=source,
        origin=target.info.origin_seconds,
        longest=_LONGEST_LIVE if source is None else inf,
        publish=target.publish,
    )


HTML = Format("html", "page", _open)
