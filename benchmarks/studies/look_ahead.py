"""How far ahead labels of a file have to be decided::

    python -m emotion.benchmarks.studies.look_ahead [CLIP ...]

Each clip is analysed once; then its labels are decided with less and less of what follows known, and compared
with those that a whole second gives. So far `stages.look_ahead` keeps pictures waiting.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.session import EveryFrame, Session
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from emotion.realtime.stages.look_ahead import LookAhead

SECONDS = (0.8, 0.6, 0.5, 0.4, 0.25, 0.0)
_WHOLE = 2.0
# Stands for each picture: so many bytes are so many pictures.
_DOT = np.zeros((1, 1, 3), np.uint8)


def causal(clip: Path) -> list[EmotionFrame]:
    """The causal result of each frame of a clip."""
    found: list[EmotionFrame] = []

    def keep(result: EmotionFrame) -> None:
        found.append(replace(result, frame=result.frame.with_image(_DOT)))

    with Session(VideoFile(clip), policy=EveryFrame(tap=keep, pictures=False)) as session:
        for _ in session:
            pass
    return found


def labels(results: Sequence[EmotionFrame], seconds: float) -> list[str]:
    """The label of each face of each frame, with so much of what follows known."""
    span = results[-1].frame.seconds - results[0].frame.seconds
    waiting = 1 + round(seconds * (len(results) - 1) / max(span, 1e-6))
    stage = LookAhead(most_bytes=waiting * _DOT.nbytes)
    decided = [*stage.process(results), *stage.finish()]
    return [face.label for result in decided for face in result.faces]


def agreement(clips: Sequence[Path], ahead: Sequence[float] = SECONDS) -> tuple[int, dict[float, float]]:
    """How many faces were compared, and the share of them with the label of a whole second, by seconds.

    Raises:
        ValueError: no clip shows a face.
    """
    every = [found for clip in clips if (found := causal(clip))]
    whole = np.array([label for found in every for label in labels(found, _WHOLE)])
    if not len(whole):
        raise ValueError("no clip shows a face")
    shares = {}
    for seconds in ahead:
        predicted = [label for found in every for label in labels(found, seconds)]
        shares[seconds] = float(np.mean(np.array(predicted) == whole))
    return len(whole), shares


def main(
    clips: Annotated[list[Path] | None, typer.Argument(help="Clips; by default the included clip.")] = None,
) -> None:
    """Print how many labels stay the same, as a table in Markdown."""
    count, shares = agreement(clips or [DEMO])
    typer.echo("| seconds ahead | same label |\n|---|---|")
    for seconds, share in shares.items():
        typer.echo(f"| {seconds:g} | {share:.1%} |")
    typer.echo(f"\n{count} faces.")


if __name__ == "__main__":
    typer.run(main)
