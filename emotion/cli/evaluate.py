"""The command `emotion evaluate`: accuracy of the models on labelled faces."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from emotion.cli.console import console, errors, shown
from emotion.cli.parameters import with_options
from emotion.cli.places import DATA
from emotion.cli.progress import counting
from emotion.cli.scores import scores_table
from emotion.models.classes import Labels
from emotion.models.data import fingerprints
from emotion.models.data.label_folders import Photograph, Video
from emotion.models.data.label_tables import is_table
from emotion.models.data.labelled import describe_others, find_photographs, find_unread, find_videos
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import DatasetError, OptionError
from emotion.models.evaluation import report
from emotion.models.evaluation.evaluate import (
    DISTANCES,
    Evaluation,
    Slice,
    evaluate,
    evaluate_shrunk,
    shrinkable,
)
from emotion.models.evaluation.options import EvaluationOptions, Part
from emotion.models.evaluation.overlap import NO_LIST, VIDEOS, Matches, matches_of, not_known
from emotion.models.evaluation.prediction_table import (
    predictions_of_faces,
    predictions_of_videos,
    to_csv,
    worst,
)
from emotion.models.evaluation.predictions import (
    Find,
    LabelledFaces,
    Predictions,
    check_regions,
    faces_of_dataset,
    faces_of_photographs,
    load_regions,
    of_part,
    predict,
    with_fingerprints,
)
from emotion.models.evaluation.records import record as record_scores
from emotion.models.manifest import schema_of
from emotion.models.names import readable
from emotion.models.options import Only
from emotion.models.regions import Regions
from emotion.models.shipped import refuse_shipped
from emotion.models.voting.blendshapes import FILE, BlendshapeModel
from emotion.models.voting.vote import VoteWeights, read_rules
from emotion.models.words import counted
from emotion.own_files import OwnFiles
from emotion.realtime.session import Models
from emotion.realtime.session.models import landmark_nets
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sinks.result_sources import Source
from emotion.realtime.stages.options import FaceOptions
from emotion.realtime.stages.photographs import PhotographFinder
from emotion.result_folders import check_folder
from emotion.worst_sheet import COUNT, draw_sheet

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion evaluate photographs/ -o report          one folder per class in it

emotion evaluate labels.csv                      a table with the columns image and label

emotion evaluate data/faces --models my-model    the test part of a data set
"""

_PREDICTIONS, _SHEET = "predictions.csv", "worst.jpg"


@app.command(name="evaluate", epilog=EXAMPLES)
@with_options
def evaluate_command(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A data set, or whole photographs or videos in one folder per class, or a CSV table with "
            "the columns image and label; by default data/faces."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the report (HTML, Markdown, JSON), all predictions (CSV) and a sheet of "
            "the worst errors.",
        ),
    ] = None,
    *,
    options: EvaluationOptions,
    engine: Annotated[EngineOptions, Only("models", "regions", "precision", precision="fp32")],
) -> None:
    """Score the models and their vote on labelled faces or videos."""
    chosen = folder or DATA
    if options.record:
        refuse_shipped(engine.models)
    files = _files(chosen, output, engine.models, options.overwrite) if output else None
    evaluator = _Evaluator(engine)
    title = readable(options.title or options.from_set or chosen.resolve().name)
    about = {"faces": title} | evaluator.about()
    if folder is None or (chosen / "manifest.parquet").exists():
        faces = evaluator.compared(
            faces_of_dataset(chosen, options.part, evaluator.regions), chosen, options.part
        )
        evaluation = evaluator.faces(faces.of_set(options.from_set) if options.from_set else faces, about)
    else:
        photographs, videos = _labelled(chosen, Labels(evaluator.classes, options.labels), options)
        if photographs:
            evaluation = evaluator.photographs(photographs, about, options.smaller if output else 0)
        else:
            evaluation = evaluator.videos(videos, about)
    console.print(scores_table(evaluation))
    lost = sum(evaluation.missing.values())
    if lost:
        console.print(f"In {lost} more no face could be found; they are not counted.")
    for sentence in report.about_overlap(evaluation):
        console.print(sentence)
    if options.record:
        evaluator.record(title, evaluation)
        console.print(f"Recorded in {shown(engine.models)}")
    if files:
        contents = report.texts(evaluation) | evaluator.predictions(evaluation)
        paths = files.write(contents, {"about": about, "faces": evaluation.vote.faces})
        console.print(f"Report: {', '.join(shown(path) for path in paths)}")
    if evaluator.unreadable:
        errors.print(f"{evaluator.unreadable} could not be read, or not to the end: see above.", style="red")
        raise typer.Exit(DatasetError.exit_code)


def _labelled(
    folder: Path, labels: Labels, options: EvaluationOptions
) -> tuple[list[Photograph], list[Video]]:
    """The photographs to evaluate, or else the videos; a message reports other files in the folder.

    Raises:
        DatasetError: there are neither.
        OptionError: a set was requested, which only a data set has.
    """
    if options.from_set:
        raise OptionError(
            "from_set", f"{folder} is no data set of 'emotion dataset', which --set is for: leave it away."
        )
    pictures, films = [*find_photographs(folder, labels)], [*find_videos(folder, labels)]
    photographs, videos = of_part(pictures, options.part), of_part(films, options.part)
    if not photographs and not videos:
        raise DatasetError(f"{folder} holds no photograph and no video of these emotions.")
    for sentence in describe_others(folder, labels):
        errors.print(sentence)
    for source, _, ending in find_unread(folder, labels):
        errors.print(f"{source} is skipped: {ending} is a format that is not read.")
    evaluated, found = (len(photographs), len(pictures)) if photographs else (len(videos), len(films))
    if evaluated < found:
        errors.print(f"Only the {options.part} part is evaluated, {evaluated} of {found}.")
    if photographs and videos:
        errors.print(
            f"{counted(len(videos), 'video is', 'videos are')} not evaluated together with photographs: "
            "put videos into a folder of their own."
        )
    return photographs, [] if photographs else videos


def _files(data: Path, output: Path, models: Path, overwrite: bool) -> OwnFiles:
    """The path of the report.

    Raises:
        SinkError: it would replace an input, or a file of another program.
    """
    refuse_shipped(output)
    check_folder(output)
    files = OwnFiles(
        output,
        ("report.html", "report.md", "report.json", _PREDICTIONS, _SHEET),
        "report",
        overwrite,
        [Source(data)],
    )
    keep_apart([data if is_table(data) else data / "manifest.parquet", *models.glob("*")], files.all())
    return files


class _Evaluator:
    """A model folder, and the faces to evaluate it on."""

    def __init__(self, engine: EngineOptions) -> None:
        self._engine = engine
        self._folder = folder = engine.models
        self.unreadable = 0
        self._found: Predictions | None = None
        self._matches: Matches | None = None
        self._seen = fingerprints.read(folder)
        self._photographs: dict[str, Path] = {}
        self._models = load_regions(folder, engine.precision, engine.regions)
        self._schema = schema_of(model.manifest for model in self._models)
        names = self._schema.regions.names
        self._weights = VoteWeights.read(folder, names)
        stored = read_rules(folder)
        whole = names == stored.regions
        self._rule = stored.chosen if whole else f"{stored.chosen}, of {' and '.join(names)} alone"
        self._rules = stored.rules if whole else {}
        self._third = BlendshapeModel.read(folder, None, stored.classes) if (folder / FILE).exists() else None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the models."""
        return self._schema.classes.names

    @property
    def regions(self) -> Regions:
        """The regions of the models."""
        return self._schema.regions

    def about(self) -> dict[str, Any]:
        """The description of the models in the report."""
        manifests = [model.manifest for model in self._models]
        data = {manifest.region: manifest.data or "not said" for manifest in manifests}
        return {
            "rule": self._rule,
            "models": {f"{m.region} ({m.architecture}, {m.precision})": m.sha256 for m in manifests},
            "trained on": data if len(set(data.values())) > 1 else manifests[0].data or "not said",
        }

    def record(self, name: str, evaluation: Evaluation) -> None:
        """Write scores into the model folder."""
        record_scores(self._folder, name, evaluation, [model.manifest for model in self._models])

    def faces(self, faces: LabelledFaces, about: dict[str, Any], shrunk: Iterable[Slice] = ()) -> Evaluation:
        """Evaluate crops of a data set."""
        with counting("Running the models") as progress:
            check_regions(self._models, faces.schema)
            self._found = found = predict(faces, self._models, progress)
        self._matches = matches_of(faces, self._seen, [model.manifest for model in self._models])
        return evaluate(found, self._weights, self._rules, self._third, about, shrunk, self._matches)

    def compared(self, faces: LabelledFaces, data: Path, part: Part) -> LabelledFaces:
        """Faces of a data set with what is needed to compare them with those that the models have seen."""
        return with_fingerprints(faces, data, part) if self._seen else faces

    def photographs(self, photographs: list[Photograph], about: dict[str, Any], smaller: int) -> Evaluation:
        """Evaluate whole photographs, and some of them again after shrinking.

        Their faces are those that `emotion annotate` finds.
        """
        with closing(PhotographFinder(FaceOptions().max_faces, nets=landmark_nets(self._engine))) as finder:
            with counting("Analysing photographs") as progress:
                faces = faces_of_photographs(
                    photographs, finder.largest, progress, schema=self._schema, say=errors.print
                )
            self.unreadable = len(faces.unreadable)
            self._photographs = {one.source: one.path for one in photographs if one.video is None}
            return self.faces(faces, about, self._from_afar(photographs, finder.largest, faces, smaller))

    def predictions(self, evaluation: Evaluation) -> dict[str, str | bytes]:
        """A table of all predictions, and a sheet of the worst errors if there are pictures, by name."""
        if self._found is None:
            return {_PREDICTIONS: to_csv(predictions_of_videos(evaluation.videos), evaluation.classes)}
        predictions = predictions_of_faces(self._found, self._weights, self._matches)
        sheet = draw_sheet(worst(predictions, COUNT), self._found.faces, self._photographs)
        return {_PREDICTIONS: to_csv(predictions, evaluation.classes), _SHEET: sheet}

    def videos(self, videos: list[Video], about: dict[str, Any]) -> Evaluation:
        """Evaluate whole videos, one label each."""
        from emotion.video_scores import evaluate_videos  # noqa: PLC0415  photographs need no pipeline

        models = Models(self._models, self._weights)

        def leave_out(sentence: str) -> None:
            self.unreadable += 1
            errors.print(sentence)

        with counting("Analysing videos") as progress:
            found = evaluate_videos(videos, models, about, progress=progress, say=leave_out)
        return replace(found, overlap=not_known(VIDEOS if self._seen else NO_LIST))

    def _from_afar(
        self, photographs: Sequence[Photograph], find: Find, faces: LabelledFaces, limit: int
    ) -> Iterator[Slice]:
        """The vote on some of the photographs at several smaller sizes."""
        drawn, sizes = shrinkable(photographs, faces, limit)
        middle = float(np.median([sizes[photograph.source] for photograph in drawn])) if drawn else 0.0
        for distance in (distance for distance in DISTANCES if distance < middle):
            scales = {photograph.source: distance / sizes[photograph.source] for photograph in drawn}
            with counting(f"From afar, {distance} pixels between the eyes") as progress:
                small = faces_of_photographs(drawn, find, progress, scales=scales, schema=self._schema)
            yield evaluate_shrunk(str(distance), len(drawn), predict(small, self._models), self._weights)
