"""Files of results as they are written today, for tests that notice any change of them.

``python -m tests.helpers.golden_results`` makes `tests/realtime/sinks/golden/` anew, which is then looked at:
whoever changes what is written commits the files with it, and says so in the change log.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow.parquet

from emotion.models.classes import EMOTIONS
from emotion.realtime.details import detail_columns
from emotion.realtime.media import VideoInfo, WallClock
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion
from emotion.realtime.sinks.columns import Columns
from emotion.realtime.sinks.events import EventSink
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.summary import SummaryBuilder
from tests.helpers.results import face, sure, video_frame

FOLDER = Path(__file__).parents[1] / "realtime" / "sinks" / "golden"
RATE = 12
MILLISECONDS = Fraction(1, 1000)
NINETIETHS = Fraction(1, 90_000)
"""Of a millisecond; so that times have to be rounded."""
DETAILS = ("pose", "quality", "reason")


def shares(second: float, track: int) -> np.ndarray:
    """Shares that come and go slowly, each emotion at its own time; whole numbers, the same everywhere."""
    moment = round(second * RATE)
    weights = [(abs((moment * (2 + track) + 53 * n) % 240 - 120) + 20) ** 3 for n in range(len(EMOTIONS))]
    return np.array([weight / sum(weights) for weight in weights], np.float32)


def person(track: int, second: float) -> FaceEmotion:
    vote = shares(second, track)
    label = EMOTIONS[int(vote.argmax())] if vote.max() > 0.34 else "uncertain"
    box = Box(10.25 + 20 * track + second, 8.5, 14.125, 17.75)
    seen = track != 2 or not 3 < second < 4
    one = face("fear", track, box=box, eyes=seen, lips=second > 1, label=label, since=np.floor(second))
    regions = {
        name: None if own is None else shares(second + 0.25, track) for name, own in one.regions.items()
    }
    one = replace(one, regions=regions, probabilities=vote, probabilities_frame=vote[::-1].copy())
    if not seen:
        one = replace(one, probabilities_frame=None, age=second - 3)
    return replace(one, turn=70.0 if track == 3 else 5.0, blendshapes=sure("anger", 0.4) if seen else None)


def details(track: int) -> dict[str, float | str | None]:
    words = {"hidden": "eyes", "uncertain_because": "brief"}
    return {
        name: words.get(name, None if track == 2 and index == 1 else index + track / 7)
        for index, name in enumerate(detail_columns(DETAILS))
    }


def stream(*, live: bool = False, detailed: bool = False) -> Iterator[EmotionFrame]:
    """Eleven seconds: one person always, one who goes and comes back, one for a moment, then nobody."""
    for index in range(11 * RATE):
        second = index / RATE
        if live and 6 < second < 8.5:  # the camera was gone
            continue
        tracks = [] if second > 9.5 else [1]
        tracks += [2] if 2 <= second < 4.5 or 4.8 < second < 7 else []
        tracks += [3] if 5 < second < 5.3 else []
        faces = [person(track, second) for track in tracks]
        if detailed:
            faces = [replace(one, details=details(one.track_id)) for one in faces]
        base = NINETIETHS if live else MILLISECONDS
        begin = 3607 if live else 40
        frame = replace(video_frame(index, round(second / base) + begin, (48, 64)), time_base=base)
        yield EmotionFrame(
            frame,
            tuple(faces),
            left_out=3 if index % 50 == 7 else 0,
            details=DETAILS if detailed else (),
        )


def info(folder: Path, *, live: bool = False) -> VideoInfo:
    about = VideoInfo(path=None, width=64, height=48, time_base=MILLISECONDS, average_rate=Fraction(RATE))
    if live:
        return replace(about, time_base=NINETIETHS, clock=WallClock(1_700_000_000.5))
    return replace(about, path=folder / "talk & <co>.mp4", duration_seconds=11.0, first_pts=40)


def written(ending: str, *, live: bool = False, detailed: bool = False) -> bytes:
    """What a sink writes of the stream."""
    with TemporaryDirectory() as name:
        path = Path(name, f"talk.{ending}")
        with open_file(path, info(Path(name), live=live), provenance={"version": "1"}) as sink:
            for one in stream(live=live, detailed=detailed):
                sink.write(one, one.frame.image)
        if ending == "parquet":
            return _rows(path).encode()
        return path.read_bytes()


def thinned(text: str) -> str:
    """A line of six: all are made in the same way."""
    first, *others = text.splitlines(keepends=True)
    return first + "".join(others[::6])


def _rows(path: Path) -> str:
    table = pyarrow.parquet.read_table(path)
    kinds = [f"{column.name}: {column.type}" for column in table.schema]
    rows = [json.dumps(row, default=str) for row in table.to_pylist()]
    return "\n".join([*kinds, *rows[::12]]) + "\n"


def page(*, live: bool = False) -> str:
    """The data in an HTML page, and what it says in words; its look is in files of their own."""
    text = written("html", live=live).decode()
    (data,) = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    said = re.findall(r"<(?:title|h1|p|video)[^>]*>[^<]*", text)
    return "\n".join([*said, json.dumps(json.loads(data.replace("\\u003c", "<")), indent=0)]) + "\n"


def events(*, live: bool = False) -> str:
    """Lines for scripts."""
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, "rb") as read,
        EventSink(clock=info(Path(), live=live).clock, descriptor=writer) as sink,
    ):
        for one in stream(live=live):
            sink.write(one, one.frame.image)
        sink.close()
        os.close(writer)
        return read.read().decode()


def summary(*, live: bool = False) -> str:
    builder = SummaryBuilder(1.0 if live else inf)
    for one in stream(live=live):
        builder.add(one)
    found = builder.build()
    return json.dumps(found.to_dict() | {"sentence": found.sentence()}, indent=1) + "\n"


def elan(*, live: bool = False) -> str:
    text = re.sub(r' DATE="[^"]*"', ' DATE="today"', written("eaf", live=live).decode())
    return re.sub(r'"file://[^"]*/', '"file:///', text)


def described() -> str:
    """What is said of each column."""
    one = next(stream(detailed=True))
    columns = Columns(one.schema, one.details)
    return "\n".join(columns.all) + "\n"


FILES: dict[str, Callable[[], str]] = {
    "file.csv": lambda: thinned(written("csv").decode()),
    "live.csv": lambda: thinned(written("csv", live=True).decode()),
    "file.jsonl": lambda: thinned(written("jsonl").decode()),
    "details.csv": lambda: thinned(written("csv", detailed=True).decode()),
    "details.jsonl": lambda: thinned(written("jsonl", detailed=True).decode()),
    "file.parquet.txt": lambda: written("parquet").decode(),
    "live.parquet.txt": lambda: written("parquet", live=True).decode(),
    "file.vtt": lambda: written("vtt").decode(),
    "live.vtt": lambda: written("vtt", live=True).decode(),
    "live.srt": lambda: written("srt", live=True).decode(),
    "live.eaf": lambda: elan(live=True),
    "live.jsonl": lambda: thinned(written("jsonl", live=True).decode()),
    "file.srt": lambda: written("srt").decode(),
    "file.eaf": elan,
    "file.html.txt": page,
    "live.html.txt": lambda: page(live=True),
    "file.events.jsonl": events,
    "live.events.jsonl": lambda: events(live=True),
    "file.summary.json": summary,
    "live.summary.json": lambda: summary(live=True),
    "columns.txt": described,
}
"""By name, what makes a file's text."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, make in FILES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
