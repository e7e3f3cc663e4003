"""emotion evaluate: how often the models are right on labelled faces."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from emotion.console import console, counting, shown
from emotion.make import DATA, ModelFolder, load_models
from models import report
from models.blendshapes import FILE, BlendshapeModel
from models.emotions import EMOTIONS
from models.evaluation import DISTANCES, Evaluation, Slice, evaluate, judge_shrunk, shrinkable
from models.inference import RegionModel
from models.labelled import Photograph
from models.manifest import ZOO
from models.predictions import (
    LabelledFaces,
    faces_of_dataset,
    faces_of_photographs,
    photographs_to_judge,
    predict,
)
from models.vote import VoteWeights, read_rules

app = typer.Typer()


class Part(StrEnum):
    """A part of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@app.command(name="evaluate")
def evaluate_command(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A data set, or labelled whole faces in a folder per emotion; data/faces by default."
        ),
    ] = None,
    models: ModelFolder = ZOO,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the report: a web page, Markdown and JSON."),
    ] = None,
    part: Annotated[Part, typer.Option(help="Of a data set: which part.")] = Part.TEST,
    title: Annotated[str, typer.Option(help="What the faces are; the folder's name by default.")] = "",
    smaller: Annotated[
        int, typer.Option(min=0, help="How many photographs to look at from afar as well; 0: none.")
    ] = 600,
) -> None:
    """Score the models and their vote on labelled faces."""
    chosen = folder or DATA
    eyes, lips = load_models(models)
    weights = VoteWeights.read(models)
    rule, rules, _ = read_rules(models)
    third = BlendshapeModel.read(models) if (models / FILE).exists() else None
    shrunk: list[Slice] = []
    if folder is None or (chosen / "manifest.parquet").exists():
        faces = faces_of_dataset(chosen, part.value)
    else:
        photographs = photographs_to_judge(chosen)
        with counting("Looking at photographs") as progress:
            faces = faces_of_photographs(photographs, progress)
        if output and smaller:
            shrunk = _from_afar(photographs, faces, smaller, eyes, lips, weights)
    with counting("Asking the models") as progress:
        found = predict(faces, eyes, lips, progress)
    about = {
        "faces": title or chosen.resolve().name,
        "rule": rule,
        "models": {
            f"{model.manifest.region} ({model.manifest.architecture})": model.manifest.sha256
            for model in (eyes, lips)
        },
        "trained on": eyes.manifest.data or "not said",
    }
    evaluation = evaluate(found, weights, rules, third, about, shrunk)
    console.print(_scores_table(evaluation))
    lost = sum(evaluation.missing.values())
    if lost:
        console.print(f"{lost} photographs have no face that could be found; they are not counted.")
    if output:
        paths = report.save(output, evaluation)
        console.print(f"Report: {', '.join(shown(path) for path in paths.values())}")


def _from_afar(
    photographs: Sequence[Photograph],
    faces: LabelledFaces,
    limit: int,
    eyes: RegionModel,
    lips: RegionModel,
    weights: VoteWeights,
) -> list[Slice]:
    """The vote on some of the photographs, made smaller step by step."""
    drawn, sizes = shrinkable(photographs, faces, limit)
    middle = sorted(sizes[photograph.source] for photograph in drawn)[len(drawn) // 2]
    slices = []
    for distance in (distance for distance in DISTANCES if distance < middle):
        scales = {photograph.source: distance / sizes[photograph.source] for photograph in drawn}
        with counting(f"From afar, {distance} pixels between the eyes") as progress:
            small = faces_of_photographs(drawn, progress, scales=scales)
        slices.append(judge_shrunk(str(distance), len(drawn), predict(small, eyes, lips), weights))
    return slices


def _scores_table(evaluation: Evaluation) -> Table:
    table = Table("", "right", "95%", "balanced", "ECE", *EMOTIONS)
    for name, values in evaluation.scores.items():
        table.add_row(
            name,
            f"{values.accuracy.value:.1%}",
            f"{values.accuracy.low:.0%}-{values.accuracy.high:.0%}",
            f"{values.balanced_accuracy.value:.1%}",
            f"{values.calibration_error.value:.3f}",
            *(f"{row.recall.value:.0%}" if row.faces else "-" for row in values.emotions),
        )
    table.title = f"{evaluation.vote.faces} faces; ECE: expected calibration error; by emotion: recall"
    return table
