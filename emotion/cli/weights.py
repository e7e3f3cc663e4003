"""The command `emotion weights`: fits the rule that combines the predictions of the regions."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from emotion.cli.console import console, errors, shown
from emotion.cli.crops import cut_out
from emotion.cli.parameters import with_options
from emotion.cli.places import DATA, DataFolder
from emotion.cli.progress import counting
from emotion.models.data import fingerprints
from emotion.models.data.stored import read_manifest
from emotion.models.engines.options import EngineOptions
from emotion.models.evaluation import weights
from emotion.models.evaluation.options import WeightsOptions
from emotion.models.evaluation.predictions import (
    LabelledFaces,
    check_regions,
    faces_of_dataset,
    load_regions,
    predict,
)
from emotion.models.faces.picture import BLENDSHAPES
from emotion.models.manifest import regions_there, schema_of
from emotion.models.options import Only
from emotion.models.shipped import refuse_shipped
from emotion.models.training.refit import even_shares, face_weights
from emotion.models.voting.blendshapes import BlendshapeModel, train_blendshapes
from emotion.models.voting.vote import VoteWeights
from emotion.models.words import counted

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion weights --models my-model    fit rules and save the best one

emotion weights --explain            explain the present rule
"""


@app.command(name="weights", epilog=EXAMPLES)
@with_options
def weights_command(
    data: DataFolder = DATA,
    *,
    engine: Annotated[EngineOptions, Only("models", "regions")],
    options: WeightsOptions,
) -> None:
    """Fit rules of the vote on the validation part, and save the best one in your model folder."""
    models = engine.models
    if options.explain:
        VoteWeights.read(models)
        for line in weights.read(models).explain():
            console.print(line)
        return
    refuse_shipped(models)
    loaded = load_regions(models, "fp32", engine.regions or cut_out(data, regions_there(models)))
    regions = schema_of(model.manifest for model in loaded).regions
    faces = faces_of_dataset(data, "validation", regions)
    check_regions(loaded, faces.schema)
    with counting("Running the models") as progress:
        found = predict(faces, loaded, progress)
    third = _third(data, faces) if options.blendshapes else None
    errors.print("Comparing the rules out of fold ...")
    about = {"faces": len(faces), "part": "validation", "data": loaded[0].manifest.data}
    fitted = weights.fit_vote(found, third, about, options.rule, options.by_default)
    path = weights.save(models, fitted, third)
    seen = fingerprints.of_dataset(data, {"train"} if third else (), {"validation"})
    fingerprints.write_one(models, fingerprints.VOTE, seen)
    console.print(_table(fitted))
    for line in fitted.explain()[len(fitted.rates) + 1 :]:
        console.print(line)
    console.print(f"From {counted(len(faces), 'face')} of the validation part; written to {shown(path)}")


def _third(data: Path, held_out: LabelledFaces) -> BlendshapeModel:
    errors.print("Training the blendshapes' classifier ...")
    rows = [row for row in read_manifest(data) if row["split"] == "train"]
    shapes = np.array([row["blendshapes"] for row in rows], np.float32).reshape(-1, len(BLENDSHAPES))
    classes = held_out.schema.classes
    learnt = np.array([classes.index(row["label"]) for row in rows], np.int64)
    sets = np.array([row["source"].split("/")[0] for row in rows])
    counts = face_weights(learnt, sets, even_shares(learnt, sets), evenness=0.5)
    return train_blendshapes(
        shapes, learnt, (held_out.blendshapes, held_out.labels), classes=classes, weights=counts
    )


def _table(fitted: weights.FittedVote) -> Table:
    regions = fitted.regions
    table = Table("emotion", *(f"{name} right" for name in regions), *(f"{name} count" for name in regions))
    for row in fitted.rates:
        rates = (f"{r.rate:.0%} ({r.low:.0%} to {r.high:.0%})" for r in row.rates.values())
        table.add_row(row.emotion, *rates, *(f"{weight:.2f}" for weight in row.weights.values()))
    table.title = "the source's rule"
    return table
