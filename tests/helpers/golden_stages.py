"""What the stages after the models say of made answers today, for tests that notice any change of it.

``python -m tests.helpers.golden_stages`` writes `tests/realtime/stages/golden.json` anew: whoever changes
what is said of faces commits it with the change, and says so in the change log.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from emotion.models.voting.vote import VoteWeights
from emotion.realtime.messages import EmotionFrame, PredictionFrame, VideoFrame
from emotion.realtime.stages.look_ahead import LookAhead
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.people import People
from tests.helpers.stage_inputs import face

FILE = Path(__file__).parents[1] / "realtime" / "stages" / "golden.json"
RATE = 15
SECONDS = 16


def answers(index: int, track: int, region: int) -> list[float]:
    """A row of probabilities of whole numbers, the same everywhere: slow changes, and a little noise."""
    weights = []
    flat = 400 if index % 90 > 60 else 0  # nothing is clear now and then
    for emotion in range(6):
        slow = abs((index * (3 + track) + 61 * emotion + 17 * region) % 300 - 150)
        noise = (index * 7919 + emotion * 104729 + region * 1299709 + track * 15485863) % 23
        weights.append((slow + noise + flat) ** 3 + 1)
    return [weight / sum(weights) for weight in weights]


def people_of(index: int) -> list[int]:
    """Who is there: one always, one who leaves for long, one who comes late."""
    second = index / RATE
    return [0] + [1] * (second < 4 or second > 11) + [2] * (second > 7)


def predictions() -> Iterator[PredictionFrame]:
    for index in range(RATE * SECONDS):
        second = index / RATE + (0.013 if index % 3 == 0 else 0.0)
        there = people_of(index)
        faces = []
        for track in there:
            gone = track == 0 and 5 < second < 6.5
            half = track == 2 and index % 40 < 10
            faces.append(
                face(0.0 if gone or half else 1.0, 0.0 if gone else 0.55 + track / 5, left=300.0 * track)
            )
        rows = [[answers(index, track, region) for track in there] for region in range(2)]
        picture = VideoFrame(
            index, round(1000 * second), Fraction(1, 1000), 0.0, np.zeros((8, 8, 3), np.uint8)
        )
        yield PredictionFrame(picture, tuple(faces), np.array(rows, np.float32))


WAYS: dict[str, VoteOptions] = {
    "file": VoteOptions(),
    "file, slow": VoteOptions(smooth=1.0, dwell=0.6, certain=0.45, doubtful=0.35),
    "live": VoteOptions(causal=True),
    "live, quick": VoteOptions(causal=True, smooth=0.1, dwell=0.1, lead=0.0, margin=0.02),
    "live, measured": VoteOptions(causal=True, baseline=2.0),
    "alone": VoteOptions(causal=True, smooth=0.0),
}


def results(options: VoteOptions) -> list[EmotionFrame]:
    """What is said of the stream."""
    said = list(People(VoteWeights.equal(), options).process(list(predictions())))
    if options.causal:
        return said
    ahead = LookAhead(options)
    return [*ahead.process(said), *ahead.finish()]


def reported(way: str) -> list[list[Any]]:
    """Of every fourth frame and each face: time, track, label and since when, age, shares in thousandths."""
    rows = []
    for one in results(WAYS[way]):
        if one.frame.index % 4:
            continue
        for found in one.faces:
            predictions = (found.probabilities, found.probabilities_frame, *found.regions.values())
            shares = [None if own is None else [round(1000 * float(x)) for x in own] for own in predictions]
            age = None if found.age == np.inf else round(found.age, 3)
            head = [round(one.frame.seconds, 3), found.track_id, found.label, round(found.since, 3), age]
            rows.append([*head, *shares])
    return rows


def main() -> None:
    text = ",\n".join(
        f"{json.dumps(way)}: [\n"
        + ",\n".join(json.dumps(row, separators=(",", ":")) for row in reported(way))
        + "\n]"
        for way in WAYS
    )
    FILE.write_text("{\n" + text + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
