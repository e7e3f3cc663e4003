"""Results of a job: files to download, and an overview small enough to draw."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import av
from PIL.Image import Image

from emotion.models.atomic_files import atomic_output, partial_path, write_atomically
from emotion.models.classes import UNCERTAIN
from emotion.models.schema import SHIPPED
from emotion.models.statistics.shares import ShareCounter, TimeShares
from emotion.realtime.sinks.options import FORMATS
from emotion.realtime.sinks.summary import in_words, rounded
from emotion.videos import Outputs

OVERVIEW = "overview.json"
CARD = "card.json"
THUMBNAIL = "thumbnail.jpg"
# More than the pixels of a wide screen.
_MOST_BINS = 1200
_MOST_PEOPLE = 40
# Bins may be missing if frame times are irregular; only a longer gap means that no face was there. The page
# draws its timeline in the same way.
_GAP_BINS = 3
# The number of parts of a video's strip in a list.
_STRIP_PARTS = 60
_THUMBNAIL_WIDTH = 320
# In addition to the regions, each of which has its own row.
_ROWS = ("probabilities", "blendshapes")
_SEEN = "_seen"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of result.

    Attributes:
        name: in addresses.
        ending: of the file's name, after the video's own.
        media_type: for HTTP.
        label: on the page.
    """

    name: str
    ending: str
    media_type: str
    label: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("mp4", "annotated.mp4", "video/mp4", "Annotated video (mp4)"),
        Kind("csv", "emotions.csv", "text/csv", "Timeline (CSV)"),
        Kind("jsonl", "emotions.jsonl", "application/jsonl", "Timeline (JSON Lines)"),
        Kind("parquet", "emotions.parquet", "application/vnd.apache.parquet", "Timeline (Parquet)"),
        Kind("vtt", "emotions.vtt", "text/vtt", "Subtitles (WebVTT)"),
        Kind("srt", "emotions.srt", "application/x-subrip", "Subtitles (SubRip)"),
        Kind("eaf", "emotions.eaf", "application/xml", "Annotations for ELAN (EAF)"),
        Kind("html", "emotions.html", "text/html", "Timeline as a page (HTML)"),
        Kind("summary", "summary.json", "application/json", "Summary (JSON)"),
    )
}


def outputs_of(video: Path, folder: Path) -> Outputs:
    """All files of a video's results, with the numbers for the page of all videos."""
    return Outputs.of(video, folder, (*FORMATS, "study"))


def find(folder: Path, kind: Kind) -> Path | None:
    """The file of a kind in a folder of results, complete or partial; None if there is none."""
    for ending in (kind.ending, str(partial_path(Path(kind.ending)))):
        for path in folder.glob(f"*.{ending}"):
            return path
    return None


def files(folder: Path) -> list[Path]:
    """All results for download in a folder."""
    return [path for kind in KINDS.values() if (path := find(folder, kind))]


@dataclass(slots=True)
class _Bin:
    """A time bin of one person: sums of probabilities, and numbers of frames.

    `rows` are the names of the sums, each in the order of `classes`.
    """

    classes: tuple[str, ...]
    rows: tuple[str, ...]
    frames: int = 0
    sums: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, face: dict[str, Any]) -> None:
        self.frames += 1
        self.labels[face["label"]] += 1
        for name in self.rows:
            if face.get(name) is not None:
                total = self.sums.setdefault(name, [0.0] * len(self.classes))
                for index, label in enumerate(self.classes):
                    total[index] += face[name][label]
                self.counts[name] = self.counts.get(name, 0) + 1

    def prediction(self, name: str) -> list[float] | None:
        if name not in self.sums:
            return None
        return [round(value / self.counts[name], 3) for value in self.sums[name]]


def write_overview(folder: Path, outputs: Outputs) -> None:
    """Write `OVERVIEW` from the timeline, complete or partial; nothing if there is none.

    It has for each person, the one with the most time first, mean probabilities in time bins of equal
    length: ``{"start": 0.0, "seconds": 19.6, "step": 0.04, "emotions": [...],
    "regions": ["eyes", "lips"], "shares": {"anger": 0.2, ..., "no_face": 0.1}, "others": 0,
    "people": [{"track_id": 1, "seen": 19.6, "shares": {"anger": 0.2, ...}, "words": "20% of the time ...",
    "bins": [0, 1, ...], "labels": ["anger", ...], "probabilities": [[...], ...], "eyes": ...,
    "lips": ..., "blendshapes": ...}]}``. Bin n begins at ``start + n * step``. The shares are the summary's.
    """
    whole = outputs.files["jsonl"]
    path = whole if whole.exists() else partial_path(whole)
    if path.exists():
        found = overview(path)
        write_atomically(folder / OVERVIEW, json.dumps(found, separators=(",", ":")))
        write_atomically(folder / CARD, json.dumps(card(found)))
        shown = find(folder, KINDS["mp4"])
        if shown:
            write_thumbnail(shown, folder / THUMBNAIL, _moment(found))


def card(found: dict[str, Any]) -> dict[str, Any]:
    """The part of an overview for a list: ``{"seconds": 19.6, "strip": ["anger", None, "uncertain", ...]}``.

    A part of the strip is the most frequent label of all people then, as in the sentence beside it; of
    equally frequent labels that of the person with the most time. None: no face.
    """
    together: list[Counter[str]] = [Counter() for _ in range(_STRIP_PARTS)]
    for person in found["people"]:  # the one seen longest first
        for part, labels in _parts(person, found["step"] / found["seconds"] * _STRIP_PARTS).items():
            together[part].update(labels)
    strip = [labels.most_common(1)[0][0] if labels else None for labels in together]
    return {"seconds": found["seconds"], "strip": strip}


def _parts(person: dict[str, Any], width: float) -> dict[int, Counter[str]]:
    """The number of bins in which a person has each label, for each part of the strip."""
    parts: dict[int, Counter[str]] = {}
    for (place, end), label in zip(_spans(person["bins"]), person["labels"], strict=True):
        first = min(int(place * width + 1e-6), _STRIP_PARTS - 1)
        for part in range(first, max(first + 1, min(int(end * width + 1e-6), _STRIP_PARTS))):
            parts.setdefault(part, Counter())[label] += 1
    return parts


def _spans(bins: list[int]) -> Iterator[tuple[int, int]]:
    """The begin and end of each bin of a person: at the next one, unless the person was absent between."""
    for place, after in zip_longest(bins, bins[1:]):
        yield place, after if after is not None and after - place <= _GAP_BINS else place + 1


def _moment(found: dict[str, Any]) -> float:
    """The time of a representative picture in the video: one with the person with the most time."""
    if not found["people"]:
        return float(found["seconds"]) / 3
    bins = found["people"][0]["bins"]
    return float(bins[len(bins) // 2] * found["step"])


def write_thumbnail(video: Path, target: Path, seconds: float) -> None:
    """Write a small JPEG of the video at a time; nothing if it cannot be read there."""
    with suppress(av.FFmpegError, StopIteration, ValueError), av.open(str(video)) as container:
        (stream, *_) = container.streams.video
        base = float(stream.time_base or 1)
        start = stream.start_time or 0
        container.seek(start + int(seconds / base), stream=stream)
        frames = container.decode(stream)
        wanted = seconds + start * base
        picture = next(frames)
        for frame in frames:
            if picture.time is None or picture.time >= wanted - 0.02:
                break
            picture = frame
        image: Image = picture.to_image()  # type: ignore[no-untyped-call]
        image.thumbnail((_THUMBNAIL_WIDTH, _THUMBNAIL_WIDTH))
        with atomic_output(target) as made:
            image.save(made, "JPEG", quality=80)


def overview(path: Path) -> dict[str, Any]:
    """The overview of a timeline as JSON Lines; see `write_overview`."""
    first, last, frames, classes, regions = _span(path)
    frame_seconds = (last - first) / (frames - 1) if frames > 1 else 0.04
    seconds = last - first + frame_seconds
    step = max(frame_seconds, seconds / _MOST_BINS)
    people: dict[int, dict[int, _Bin]] = {}
    counter = ShareCounter((*classes, UNCERTAIN))
    for values in _lines(path):
        # Times are rounded in many files: a frame that is slightly early still belongs to its own bin.
        index = int((values["seconds"] - first + frame_seconds / 4) / step)
        faces = [(face["track_id"], face["label"]) for face in values["faces"]]
        counter.add(values["seconds"], faces)
        for face in values["faces"]:
            bins = people.setdefault(face["track_id"], {})
            if index not in bins:
                bins[index] = _Bin(classes, (*_ROWS, *regions))
            bins[index].add(face)
    shares = counter.build()
    ranked = sorted(people.items(), key=lambda item: -shares.seconds[item[0]])
    return {
        "start": round(first, 4),
        "seconds": round(seconds, 4),
        "step": step,
        "emotions": classes,
        "regions": regions,
        "others": max(0, len(ranked) - _MOST_PEOPLE),
        "shares": rounded(shares.video),
        "people": [_person(track, bins, shares) for track, bins in ranked[:_MOST_PEOPLE]],
    }


def _person(track: int, bins: dict[int, _Bin], shares: TimeShares) -> dict[str, Any]:
    return {
        "track_id": track,
        "seen": round(shares.seconds[track], 3),
        "shares": rounded(shares.people[track]),
        "words": in_words(rounded(shares.people[track])),
        "bins": list(bins),
        "labels": [b.labels.most_common(1)[0][0] for b in bins.values()],
        **{name: [b.prediction(name) for b in bins.values()] for name in next(iter(bins.values())).rows},
    }


def _regions(face: dict[str, Any]) -> tuple[str, ...]:
    """The regions that a face in a timeline has rows of."""
    return tuple(name.removesuffix(_SEEN) for name in face if name.endswith(_SEEN))


def _span(path: Path) -> tuple[float, float, int, tuple[str, ...], tuple[str, ...]]:
    """The first and the last time, the number of frames, and the classes and regions of their faces."""
    first = last = 0.0
    frames = 0
    classes: tuple[str, ...] = ()
    regions = SHIPPED.regions.names
    for values in _lines(path):
        last = values["seconds"]
        if not frames:
            first = last
        frames += 1
        for face in values["faces"]:
            if not classes and face["probabilities"] is not None:
                classes, regions = tuple(face["probabilities"]), _regions(face)
    return first, last, frames, classes or SHIPPED.classes.names, regions


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:  # cut off by a kill
                return
