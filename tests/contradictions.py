"""What the outputs of one run say against one another: nothing, one hopes.

    python -m tests.contradictions CLIP... [--tracks 50]

annotates clips, makes tracks of its own (people who come and go, hide, and waver; uneven times), and compares
all that is written of each: tables with one another, with the bars, the summary, the pages and the subtitles.
"""

import argparse
import csv
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq

from emotion.models.regions import EYES, LIPS, Crop
from emotion.models.statistics.shares import NO_FACE
from emotion.models.voting.vote import VoteWeights
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import Box, EmotionFrame, Face, PredictionFrame, VideoFrame
from emotion.realtime.session import Models
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.summary import SummaryBuilder, in_words, overall_in_words
from emotion.realtime.stages.look_ahead import LookAhead
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.people import People
from emotion.videos import Outputs, annotate
from emotion.web.jobs.results import overview

FORMATS = ("csv", "jsonl", "parquet", "vtt", "srt", "eaf", "html")
UNCERTAIN = "uncertain"
# What is written has so many digits.
_SHARE, _TIME = 1.5e-4, 0.0015


@dataclass(frozen=True)
class Written:
    """The files of one run."""

    outputs: Outputs
    sentence: str

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.outputs.files["jsonl"].read_text().splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads(self.outputs.summary.read_text())

    @property
    def page(self) -> tuple[dict[str, Any], str]:
        text = self.outputs.files["html"].read_text()
        found = re.search(r'<script[^>]* id="data">(.*?)</script>', text, re.DOTALL)
        assert found
        return json.loads(found[1]), text

    @property
    def annotations(self) -> dict[str, list[tuple[float, float, str]]]:
        """By tier: begin, end and value of each."""
        document = ElementTree.parse(self.outputs.files["eaf"])
        times = {
            one.get("TIME_SLOT_ID"): int(one.get("TIME_VALUE", "")) for one in document.iter("TIME_SLOT")
        }
        return {
            tier.get("TIER_ID", ""): [
                (
                    times[one.get("TIME_SLOT_REF1")] / 1000,
                    times[one.get("TIME_SLOT_REF2")] / 1000,
                    one.findtext("ANNOTATION_VALUE", ""),
                )
                for one in tier.iter("ALIGNABLE_ANNOTATION")
            ]
            for tier in document.iter("TIER")
        }

    def cues(self, kind: str) -> list[tuple[float, float, list[str]]]:
        found = []
        for block in self.outputs.files[kind].read_text().replace(",", ".").split("\n\n"):
            if "-->" in block:
                _, times, text = block.split("\n", 2)
                begin, end = (_seconds(clock) for clock in times.split(" --> "))
                found.append((begin, end, text.strip().split("\n")))
        return found


def contradictions(written: Written, margin: float, origin: float = 0.0) -> Iterator[str]:
    """What is said of a run in two ways, in sentences.

    Args:
        written: its files.
        margin: how far the longest bar may be ahead of the label's.
        origin: where players begin to count, in seconds.
    """
    frames = written.frames
    yield from _tables(written, frames)
    yield from _words(frames, margin)
    for kind in ("vtt", "srt") if len(frames) > 1 else ():  # a single picture lasts no time
        yield from _subtitles(written.cues(kind), frames, origin, kind)
    if len(frames) > 1:
        yield from _annotations(written.annotations, frames, origin)
    yield from _numbers(written, frames)


def _tables(written: Written, frames: list[dict[str, Any]]) -> Iterator[str]:
    rows = [(f["frame"], face) for f in frames for face in f["faces"] or [None]]
    with open(written.outputs.files["csv"], newline="") as file:
        table = list(csv.DictReader(file))
    parquet = pq.read_table(written.outputs.files["parquet"]).to_pylist()
    if not len(rows) == len(table) == len(parquet):
        yield f"JSON Lines has {len(rows)} rows, CSV {len(table)}, Parquet {len(parquet)}"
        return
    for (frame, face), line, typed in zip(rows, table, parquet, strict=True):
        for name in ("track_id", "label", "emotion", "confidence", "since"):
            value = None if face is None else face[name]
            reported = (line[name] or None, typed[name])
            same = all(
                other == value or str(other) == str(value) or _near(other, value, 6e-4) for other in reported
            )
            if not same:
                yield f"frame {frame}: {name} is {value} in JSON Lines, {reported} in CSV and Parquet"


def _words(frames: list[dict[str, Any]], margin: float) -> Iterator[str]:
    for frame in frames:
        for face in frame["faces"]:
            bars, label = face["probabilities"], face["label"]
            where = f"frame {frame['frame']}, person {face['track_id']}: {label}"
            if bars is None:
                if label != UNCERTAIN:
                    yield f"{where}, and nothing is known"
                continue
            longest = max(bars, key=bars.__getitem__)
            if not _near(bars[face["emotion"]], bars[longest], _SHARE):
                yield f"{where}, the emotion is {face['emotion']}, the longest bar {longest}"
            if label != UNCERTAIN and bars[longest] - bars[label] > margin + 2 * _SHARE:
                yield f"{where}, and {longest} is {bars[longest] - bars[label]:.2f} ahead"
            if face["probabilities_frame"] is None and any(face[f"{name}_seen"] for name in ("eyes", "lips")):
                yield f"{where}, regions are seen and there is no vote"


def _subtitles(
    cues: list[tuple[float, float, list[str]]], frames: list[dict[str, Any]], origin: float, kind: str
) -> Iterator[str]:
    for frame in frames:
        now = frame["seconds"] - origin
        # Times are rounded to a millisecond: the cue that has just begun counts.
        shown = next(
            (text for begin, end, text in reversed(cues) if begin <= now + _TIME and now + _TIME < end), []
        )
        words = {
            line.removeprefix(f"Person {face['track_id']}: ") for face in frame["faces"] for line in shown
        }
        for face in frame["faces"]:
            named = f"Person {face['track_id']}: {face['label']}"
            if not (named in shown or (len(shown) == 1 and face["label"] in words)):
                yield f"{kind}, {now:.3f} s: {shown} and the table says {named}"


def _annotations(
    tiers: dict[str, list[tuple[float, float, str]]], frames: list[dict[str, Any]], origin: float
) -> Iterator[str]:
    for frame in frames:
        now = frame["seconds"] - origin + _TIME
        for face in frame["faces"]:
            found = [
                value
                for begin, end, value in tiers.get(f"Person {face['track_id']}", ())
                if begin <= now < end
            ]
            if face["label"] not in found:
                yield f"ELAN, {now:.3f} s: {found} and the table says {face['label']}"


def _numbers(written: Written, frames: list[dict[str, Any]]) -> Iterator[str]:
    video, people = _shares(frames)
    summary, (page, text), over = written.summary, written.page, overview(written.outputs.files["jsonl"])
    numbers = summary["video"]
    if numbers["frames"] != len(frames):
        yield f"the summary has {numbers['frames']} frames, the table {len(frames)}"
    yield from _differ("video", video, summary=numbers["shares"], overview=over["shares"])
    sentence = written.sentence
    if people:
        reported = overall_in_words(numbers["label"], numbers["shares"])
        if sentence.split("; the picture seems")[0] != reported:
            yield f"{sentence!r} is not what the summary says"
    if f"{sentence[0].upper()}{sentence[1:]}." not in text.replace("&#x27;", "'"):
        yield f"{sentence!r} is not on the page"
    yield from _people(people, summary, page, over)
    yield from _name("video", numbers)
    for person in summary["people"]:
        yield from _name(f"person {person['track_id']}", person)


def _name(who: str, reported: dict[str, Any]) -> Iterator[str]:
    """A video and a person are called what their faces are called."""
    label, shares = reported["label"], dict(reported["shares"])
    of_faces = 1 - shares.pop(NO_FACE, 0.0)
    if label is None or not of_faces:
        return
    if label != UNCERTAIN and not shares[label]:
        yield f"the {who} is called {label}, and no face ever is"
    if (
        label == UNCERTAIN
        and max(share for name, share in shares.items() if name != UNCERTAIN) > 0.5 * of_faces + 2 * _SHARE
    ):
        yield f"the {who} is uncertain, and its faces are one thing for most of their time: {shares}"
    if label != UNCERTAIN and shares[UNCERTAIN] > 0.5 * of_faces + 2 * _SHARE:
        yield f"faces are uncertain for most of their time, and the {who} is called {label}"


def _people(
    people: dict[int, dict[str, float]], summary: dict[str, Any], page: dict[str, Any], over: dict[str, Any]
) -> Iterator[str]:
    reported = {person["track_id"]: person for person in summary["people"]}
    if set(reported) != set(people):
        yield f"the table has people {sorted(people)}, the summary {sorted(reported)}"
    for track, shares in people.items():
        found = {"summary": reported[track]["shares"]}
        for where, name, key in (("page", f"Person {track}", "name"), ("overview", track, "track_id")):
            for person in page["people"] if where == "page" else over["people"]:
                if person[key] == name:
                    found[where] = person["shares"]
        yield from _differ(f"person {track}", shares, **found)
        for name, one in (("page", page["people"]), ("overview", over["people"])):
            for person in one:
                mine = person.get("track_id") == track or person.get("name") == f"Person {track}"
                if mine and person["words"] != in_words(reported[track]["shares"]):
                    yield f"person {track}: {person['words']!r} on the {name} is not what the summary says"
        if abs(sum(reported[track]["shares"].values()) - 1) > 1e-3:
            yield f"person {track}: shares sum to {sum(reported[track]['shares'].values())}"


def _shares(frames: list[dict[str, Any]]) -> tuple[dict[str, float], dict[int, dict[str, float]]]:
    """Of a table, worked out in another way: one sum a label over all frames."""
    times = [frame["seconds"] for frame in frames]
    lasts = [max(0.0, b - a) for a, b in pairwise(times)]
    lasts.append(lasts[-1] if lasts else 1.0)
    if not sum(lasts):
        lasts[-1] = 1.0
    rows = [
        (face["track_id"], face["label"], last, last / len(frame["faces"]))
        for frame, last in zip(frames, lasts, strict=True)
        for face in frame["faces"]
    ]
    nobody = sum(last for frame, last in zip(frames, lasts, strict=True) if not frame["faces"])
    labels = {label for _, label, _, _ in rows}
    video = {label: sum(part for _, one, _, part in rows if one == label) for label in labels} | {
        NO_FACE: nobody
    }
    people = {}
    for track in {track for track, *_ in rows}:
        mine = [(label, last) for one, label, last, _ in rows if one == track]
        total = sum(last for _, last in mine)
        if total:
            people[track] = {
                label: sum(last for one, last in mine if one == label) / total for label in labels
            }
        else:
            people[track] = {label: mine.count((label, 0.0)) / len(mine) for label in labels}
    return {label: seconds / sum(lasts) for label, seconds in video.items()}, people


def _differ(who: str, expected: dict[str, float], **reported: dict[str, float]) -> Iterator[str]:
    for where, shares in reported.items():
        for label in expected.keys() | shares.keys():
            mine, other = expected.get(label, 0.0), shares.get(label, 0.0)
            if not _near(mine, other, _SHARE + 1e-4):
                yield f"{who}: {label} is {other} in the {where}, {mine:.4f} by the table"


def _near(one: Any, other: Any, tolerance: float) -> bool:
    try:
        return abs(float(one) - float(other)) <= tolerance
    except (TypeError, ValueError):
        return False


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


# ---- made tracks ----


def made(seed: int) -> Iterator[PredictionFrame]:
    """Up to three people who come, go, hide and waver, at uneven times; one frame, and nobody at all, too."""
    random = np.random.default_rng(seed)
    count = [1, 2, 120][min(seed, 2)] if seed < 3 else int(random.integers(40, 400))
    logits = random.normal(size=(3, 6))
    present, hidden = np.array([seed != 1, False, False]), np.zeros(3, bool)
    seconds = 0.0
    for index in range(count):
        logits = 0.97 * logits + 0.45 * random.normal(size=(3, 6))
        present ^= random.random(3) < (0.02 if seed != 1 else 0.0)
        hidden ^= random.random(3) < 0.03
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        rows = shares[present].astype(np.float32)
        faces = tuple(_face(number, bool(hidden[number])) for number in np.flatnonzero(present))
        picture = np.zeros((8, 8, 3), np.uint8)
        frame = VideoFrame(index, round(1e6 * seconds), Fraction(1, 1_000_000), 0.0, picture)
        yield PredictionFrame(frame, faces, np.stack([rows, rows]))
        seconds += float(random.uniform(0.01, 0.09) if random.random() > 0.01 else random.uniform(0.5, 3))


def _face(number: int, hidden: bool) -> Face:
    visible = 0.0 if hidden else 1.0
    crops = tuple(Crop(np.zeros(region.size, np.uint8), visible) for region in (EYES, LIPS))
    return Face(Box(300.0 * number, 0.0, 100.0, 120.0), np.zeros((478, 2), np.float32), crops)


def decided(seed: int, options: VoteOptions) -> list[EmotionFrame]:
    """What is thought of a made track, as of a file or causal, as the options say."""
    results = list(People(VoteWeights.equal(), options).process(list(made(seed))))
    if options.causal:
        return results
    stage = LookAhead(options)
    return [*stage.process(results), *stage.finish()]


def write(results: list[EmotionFrame], folder: Path) -> Written:
    """All files of made results."""
    outputs = Outputs.of(Path("made.mp4"), folder, FORMATS)
    info = VideoInfo(path=folder / "made.mp4", width=8, height=8, time_base=Fraction(1, 1_000_000))
    builder = SummaryBuilder()
    sinks = [open_file(path, info) for path in outputs.files.values()]
    for result in results:
        builder.add(result)
        for sink in sinks:
            sink.write(result, result.frame.image)
    for sink in sinks:
        sink.close()
    summary = builder.build()
    outputs.summary.write_text(json.dumps(summary.to_dict()))
    return Written(outputs, summary.sentence())


def main() -> int:
    """Print all contradictions; 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--tracks", type=int, default=50)
    arguments = parser.parse_args()
    count = 0
    options = VoteOptions()
    with tempfile.TemporaryDirectory() as name:
        for clip in arguments.clips:
            outputs = Outputs.of(clip, Path(name), FORMATS)
            summary = annotate(clip, outputs, Models.load())
            count += _print(clip.name, contradictions(Written(outputs, summary.sentence()), options.margin))
        for seed in range(arguments.tracks):
            for causal in (False, True):
                written = write(decided(seed, VoteOptions(causal=causal)), Path(name))
                kind = "causal" if causal else "as a file"
                count += _print(f"track {seed}, {kind}", contradictions(written, options.margin))
    print(f"{len(arguments.clips)} clips, {arguments.tracks} tracks: {count} contradictions")  # noqa: T201
    return int(count > 0)


def _print(name: str, found: Iterator[str]) -> int:
    sentences = list(found)
    for sentence in sentences[:5]:
        print(f"{name}: {sentence}")  # noqa: T201
    return len(sentences)


if __name__ == "__main__":
    sys.exit(main())
