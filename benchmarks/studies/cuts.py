"""How late labels are, and how they flicker: clips with cuts at known times, made from photographs.

    python -m emotion.benchmarks.studies.cuts FOLDER

The folder holds a folder of photographs an emotion, as for `emotion evaluate`. Two of them by turns, the n-th
photographs make a clip: every photograph stands for 1.2 seconds, with noise, wavering light and a hand that
trembles. The models look at each picture once; the labels are decided live and as of a file.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame, VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.session import EveryFrame, Session
from emotion.realtime.stages.look_ahead import LookAhead
from emotion.realtime.stages.options import VoteOptions

_STANDS = 1.2
_FPS = 30
_SIDE = 480


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How labels follow the cuts.

    Attributes:
        cuts: at which the label of the pictures themselves changes, once it is steady.
        delay: mean seconds from a cut to the new label; negative where it comes before. Where the label
            before never came, the new one may be there already: such a cut has none.
        missed: cuts whose new label never comes.
        right: share of frames whose label is that of their photograph's end.
        flicker: changes a minute beside those at the cuts.
    """

    cuts: int
    delay: float
    missed: int
    right: float
    flicker: float


def pictures(photographs: Sequence[Path], seed: int = 0) -> Iterator[VideoFrame]:
    """A clip of photographs, one after another."""
    random = np.random.default_rng(seed)
    each = round(_STANDS * _FPS)
    for number, path in enumerate(photographs):
        still = _square(path)
        for step in range(each):
            index = number * each + step
            yield VideoFrame(index, index, Fraction(1, _FPS), 0.0, _unsteady(still, random))


def _square(path: Path) -> Image:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path} cannot be read: name a folder of photographs.")
    side = min(image.shape[:2])
    top, left = ((size - side) // 2 for size in image.shape[:2])
    part = image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(part, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _unsteady(still: Image, random: np.random.Generator) -> Image:
    shift = np.array([[1, 0, random.normal(0, 0.7)], [0, 1, random.normal(0, 0.7)]])
    moved = cv2.warpAffine(still, shift, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    noisy = moved * random.normal(1, 0.03) + random.normal(0, 4, moved.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def evaluate(labels: Sequence[str], steady: Sequence[str]) -> Evaluation:
    """Compare labels, one per frame, with the steady label of each photograph."""
    each = round(_STANDS * _FPS)
    right = sum(label == steady[index // each] for index, label in enumerate(labels)) / len(labels)
    delays, missed, cuts = [], 0, 0
    for number in range(1, len(steady)):
        if steady[number] == steady[number - 1]:
            continue
        cuts += 1
        # From the middle of the one before to the end of the new one.
        begin = number * each - each // 2
        part = labels[begin : (number + 1) * each]
        found = next((at for at, label in enumerate(part) if label == steady[number]), None)
        if found is None:
            missed += 1
        elif found:
            delays.append((begin + found - number * each) / _FPS)
    changes = sum(a != b for a, b in pairwise(labels))
    minutes = len(labels) / _FPS / 60
    delay = float(np.mean(delays)) if delays else float("nan")
    return Evaluation(cuts, delay, missed, right, max(0, changes - cuts) / minutes)


def steady_answers(results: Sequence[EmotionFrame]) -> list[str]:
    """The mean unsmoothed prediction for each photograph."""
    each = round(_STANDS * _FPS)
    predicted = []
    for start in range(0, len(results), each):
        votes = [
            face.probabilities_frame
            for result in results[start : start + each]
            for face in result.faces[:1]
            if face.probabilities_frame is not None
        ]
        mean = np.mean(votes, axis=0)
        classes = next(face.classes for result in results[start:] for face in result.faces)
        predicted.append(classes[int(mean.argmax())])
    return predicted


def main() -> None:
    """Judge live labels and those of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=12)
    arguments = parser.parse_args()
    first, second, *_ = sorted(folder for folder in arguments.folder.iterdir() if folder.is_dir())
    pairs = zip(sorted(first.iterdir()), sorted(second.iterdir()), strict=False)
    photographs = [path for pair in list(pairs)[: arguments.people] for path in pair]
    options = Options(vote=VoteOptions(causal=True))
    with Session(pictures(photographs), options, policy=EveryFrame()) as session:
        live = list(session)
    ahead = LookAhead(options.vote)
    file = [*ahead.process(live), *ahead.finish()]
    steady = steady_answers(live)
    for name, results in (("live", live), ("file", file)):
        labels = [result.faces[0].label if result.faces else "" for result in results]
        print(name, evaluate(labels, steady))  # noqa: T201


if __name__ == "__main__":
    main()
