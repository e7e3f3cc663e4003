"""Studies without models: results of videos as annotating leaves them, made of results that tests write."""

import json
from dataclasses import replace
from pathlib import Path

from emotion.models.classes import EMOTIONS, SIX
from emotion.models.schema import SHIPPED
from emotion.realtime.sinks.columns import Columns
from emotion.realtime.sinks.study_record import StudyRecord
from emotion.realtime.sinks.summary import SummaryBuilder
from emotion.study.outcome import Outcome
from emotion.study.plan import plan
from emotion.videos import Outputs
from tests.helpers.results import face, result

PROVENANCE = {
    "program": "emotion-live 0",
    "models": {"folder": "lite", "eyes": {"network": "none", "precision": "int8", "sha256": "0" * 64}},
    "classes": list(EMOTIONS),
    "options": {},
    "palette": [
        {"name": name, "light": light, "dark": dark}
        for name, light, dark in zip(SIX, SIX.on_white, SIX.on_dark, strict=True)
    ],
    "columns": list(Columns(SHIPPED).all),
    "libraries": {"numpy": "2"},
    "processor": "a processor",
    "system": "Linux",
    "date": "2026-11-29T00:00:00+00:00",
}


def happy(frames=25, share=0.9, people=1):
    """Pictures of people who are happy."""
    return [
        result(n, *(face("happiness", track, share) for track in range(1, people + 1))) for n in range(frames)
    ]


def nobody(frames=25):
    return [result(n) for n in range(frames)]


def study(home: Path, videos: "dict[str, list | None]", first: int = 0) -> list[Outcome]:
    """Leave results of videos in a folder; None stands for one that cannot be read."""
    paths = [home.parent / "clips" / f"{name}.mp4" for name in videos]
    jobs = plan(
        [
            (path, Outputs.of(path, home / Path(name).parent, ("study",)))
            for path, name in zip(paths, videos, strict=True)
        ],
        home,
    )
    return [
        replace(_outcome(job, home, results), number=first + job.number)
        for job, results in zip(jobs, videos.values(), strict=True)
    ]


def _outcome(job, home, results):
    if results is None:
        return Outcome.of(job, home, "failed", 3, f"{job.video.name} cannot be read: it is <empty>.")
    leave_results(job.outputs, job.video.name, results)
    return Outcome.of(job, home, "done")


def leave_results(outputs: Outputs, name: str, results: list, complete: bool = True) -> None:
    """Summary and record of one video."""
    builder, path = SummaryBuilder(), outputs.files["study"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with StudyRecord(path) as sink:
        for one in results:
            builder.add(one)
            sink.write(one, one.frame.image)
    values = builder.build().to_dict()
    source = {"name": name, "bytes": 12, "sha256": "ab" * 32}
    values |= {"complete": complete, "reasons": [], "notes": [], "provenance": {"source": source}}
    outputs.summary.write_text(json.dumps(values))
