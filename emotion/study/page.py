"""A study as one web page: every video with its course, sortable and searchable, and the mean courses.

The page is a single file that loads nothing. Its style and scripts are in `page_parts/`, and in files that
are shared with the page of a video.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from emotion.models.names import escaped, without_name
from emotion.models.words import counted, video_length
from emotion.realtime.sinks.html import chart_part, page_part
from emotion.realtime.sinks.summary import in_words, percents
from emotion.study.course import Courses, Mean
from emotion.study.metadata import Metadata
from emotion.study.outcome import Outcome, StudiedVideo
from emotion.study.tables import NAMES

# Shorter lengths have tenths of a second.
_SHORT = 9.95
_MINUTE, _HOUR = 59.5, 3599.5
_ALL = 100
# The same word as in the table in the terminal.
_NOBODY = "no face"
_HEADS = (
    ("name", "Video", ""),
    ("", "Expressions over its time", "shares of the expressions among the faces, from the start to the end"),
    (
        "label",
        "Overall",
        "the strongest expression, and the share of the video's time in which it is the label",
    ),
    ("people", "People", "how many people (tracks) were seen"),
    ("seconds", "Length", "analysed length"),
    ("state", "State and warnings", ""),
)


def page(
    title: str,
    studied: Sequence[StudiedVideo],
    classes: Sequence[str],
    metadata: Metadata,
    means: Courses,
    group: Callable[[StudiedVideo], str],
    by: str | None,
    provenance: Mapping[str, Any],
) -> str:
    """The page's text.

    Args:
        title: its heading.
        studied: the videos, in their order.
        classes: of the models.
        metadata: the user's data about the videos; its values can be searched.
        means: the mean courses.
        group: the group of a video.
        by: the column of the groups; None: folders.
        provenance: what all results depend on.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  only here

    pages = Environment(
        loader=PackageLoader("emotion.study", "page_parts"), autoescape=True, undefined=StrictUndefined
    )
    videos = [_video(one, classes, group(one), by, metadata) for one in studied]
    groups = sorted({one["group"] for one in videos})
    # Without faces there is nothing to average.
    courses = [one for one in means.means if one.videos.any()]
    shown = ("name", "label", "people", "seconds", "state", "group", "course")
    data = {
        "emotions": provenance.get("palette", []),
        "means": [_mean(one) for one in courses],
        "videos": [{key: one[key] for key in shown} for one in videos],
    }
    return pages.get_template("study.html.j2").render(
        title=title,
        sentence=_sentence(studied),
        style="\n".join((page_part("timeline.css"), _part("study.css", pages))),
        script="\n".join(('"use strict";', chart_part(), _part("study.js", pages))),
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        videos=videos,
        means=courses,
        states=sorted({one.outcome.state for one in studied}),
        groups=groups,
        group_name=by or "Folder",
        grouped=f"Groups are {'the values of ' + by if by else 'folders'}." if len(groups) > 1 else "",
        gaps=metadata.gaps([one.outcome for one in studied]),
        heads=_HEADS,
        tables=NAMES,
        provenance=_provenance(provenance),
    )


def _video(
    studied: StudiedVideo, classes: Sequence[str], group: str, by: str | None, metadata: Metadata
) -> dict[str, Any]:
    """The data of a video on the page."""
    outcome, summary, record = studied.outcome, studied.summary or {}, studied.record or {}
    video = summary.get("video", {})
    label, shares = video.get("label"), video.get("shares")
    notes = [without_name(note, video.get("name", "")) for note in summary.get("notes", ())]
    warnings = [outcome.reason, *summary.get("reasons", ())[1:], *notes]
    course = None
    if record and list(record["classes"]) == list(classes):
        course = {"bins": record["bins"], "data": record["course"]}
    return {
        "name": outcome.name,
        "group": group,
        "under": "" if by is None and _names_folder(outcome) else group,
        "link": studied.link or _link(outcome.results),
        "thumbnail": record.get("thumbnail", ""),
        "width": 96,
        "height": 54,
        "course": course,
        "words": in_words(shares) if shares else "",
        "label": label or (_NOBODY if video else None),
        "place": classes.index(label) if label in classes else -1,
        "share": _share(label, shares),
        "people": video.get("people"),
        "seconds": video.get("seconds"),
        "length": video_length(video["seconds"]) if video else "",
        "state": outcome.state,
        "warnings": [escaped(one) for one in dict.fromkeys(filter(None, warnings))],
        "known": " ".join(metadata.of(outcome).values()),
    }


def _names_folder(outcome: Outcome) -> bool:
    """Whether the video's name contains its folder."""
    return not outcome.folder or outcome.name.startswith(f"{outcome.folder}/")


def _share(label: str | None, shares: dict[str, float] | None) -> str:
    """The share of time of a label as text, like `in_words`."""
    found = percents(shares or {}).get(label or "")
    return "" if found is None else "all the time" if found == _ALL else f"{found}% of the time"


def _link(results: Mapping[str, str]) -> str:
    place = next((results[name] for name in ("html", "mp4", "summary") if name in results), "")
    return quote(os.fsencode(place))


def _sentence(studied: Sequence[StudiedVideo]) -> str:
    """For example ``200 videos: 1:12:03 h analysed, 312 people; 10 failed, 2 incomplete.``"""
    videos = [one.summary["video"] for one in studied if one.summary]
    seconds = sum(video["seconds"] for video in videos)
    people = sum(video["people"] for video in videos)
    failed = sum(one.outcome.state == "failed" for one in studied)
    incomplete = sum(one.outcome.state == "incomplete" for one in studied)
    said = (
        f"{counted(len(studied), 'video')}: {_long(seconds)} analysed, {counted(people, 'person', 'people')}"
    )
    bad = [f"{failed} failed"] * bool(failed) + [f"{incomplete} incomplete"] * bool(incomplete)
    return f"{said}; {', '.join(bad)}." if bad else f"{said}."


def _long(seconds: float) -> str:
    """A length with its unit: ``36 s``, ``1:15 min``, ``1:06:40 h``."""
    if seconds < _MINUTE:
        return f"{seconds:.{int(seconds < _SHORT)}f} s"
    return f"{video_length(seconds)} {'min' if seconds < _HOUR else 'h'}"


def _mean(mean: Mean) -> dict[str, Any]:
    return {
        "group": mean.group,
        "time": mean.time,
        "step": mean.step,
        "videos": mean.videos.tolist(),
        **{name: _plain(getattr(mean, name)) for name in ("mean", "low", "high")},
    }


def _plain(table: Any) -> list[list[float | None]]:
    return [[None if np.isnan(value) else round(float(value), 3) for value in row] for row in table]


def _provenance(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    models = provenance.get("models", {})
    networks = [
        f"{region}: {one['network']} ({one['precision']}, {one['sha256'][:12]})"
        for region, one in models.items()
        if isinstance(one, Mapping)
    ]
    options = provenance.get("options", {})
    chosen = [f"{name} {json.dumps(value)}" for name, value in options.items()]
    libraries = provenance.get("libraries", {})
    return [
        ("Program", str(provenance.get("program", ""))),
        ("Models", f"{models.get('folder', '')}: {', '.join(networks)}"),
        ("Options", ", ".join(chosen) or "as the release has them"),
        ("Libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())),
        ("Machine", f"{provenance.get('processor', '')}, {provenance.get('system', '')}"),
        ("Date", str(provenance.get("date", ""))),
    ]


def _part(name: str, pages: Any) -> str:
    return str(pages.loader.get_source(pages, name)[0])
