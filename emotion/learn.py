"""``python -m emotion.learn``: train and evaluate networks on several sets, and write their predictions."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import numpy.typing as npt
import typer

from emotion.exporters import interpolate as interpolation
from emotion.exporters.convert import to_onnx
from emotion.exporters.faceres import lower_blocks, read_faceres
from emotion.exporters.graphs import store_weights_as_fp16
from emotion.exporters.head import features_of, model_head, put_head
from emotion.exporters.model_files import put_model
from emotion.exporters.quantise import prove
from emotion.models.atomic_files import atomic_output
from emotion.models.classes import EMOTIONS
from emotion.models.data import face_crops
from emotion.models.data.pools import (
    Pool,
    Seen,
    load_pool,
    softmax,
    with_teacher_predictions,
    write_teacher_predictions,
)
from emotion.models.manifest import ModelManifest, choose_precision
from emotion.models.regions import EYES, FACE, LIPS
from emotion.models.statistics.calibration import fit_temperature
from emotion.models.training.face_views import cut_views, load_views
from emotion.models.training.inputs import load_view
from emotion.models.training.many_sets import SetsOptions, answers, train_on_sets, without
from emotion.models.training.mobilenet import LAST_BELOW, begin_with, layers_from
from emotion.models.training.networks import EMOTION_HEAD, build, identify
from emotion.models.training.refit import Head, even_shares, face_weights, fit_head
from emotion.models.training.set_heads import SET_HEAD
from emotion.models.training.set_networks import (
    SEEN_SIZE,
    begin_with_head,
    face_network,
    load,
    probabilities_of,
    take_over,
    take_part,
    upper_network,
    with_sets,
    without_sets,
)
from emotion.models.training.set_scores import score_sets
from emotion.models.training.trainer import settle_batch_norm

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

_SIZES = {"eyes": EYES.size, "lips": LIPS.size, "face": face_crops.SIZE}
_PROBED = 512
_MOST = ("rafdb=9003", "web-faces=9000", "ferplus=8000", "news-faces=400")
# Another one than 1, so that the graph has the factor that `refit` fills in.
_UNCALIBRATED = 1.25
_SHARES = ("rafdb=0.4", "web-faces=0.3", "ferplus=0.27", "news-faces=0.03")
Data = Annotated[Path, typer.Option(help="Data set made by 'emotion dataset'.")]
Share = Annotated[list[str], typer.Option(help="SET=SHARE: part of each round from a set; may be repeated.")]


@app.command()
def cut(roots: list[Path], data: Data = Path("data/all"), workers: int = 1) -> None:
    """Cut the whole faces of a data set out of its photographs."""
    typer.echo(f"{len(face_crops.cut_faces(data, roots, workers).sources)} faces")


@app.command()
def train(
    seen: str,
    start_from: Annotated[Path, typer.Option(help="Folder of FaceRes, or a .keras file.")],
    run: Annotated[Path, typer.Option(help="Folder of the run.")],
    data: Data = Path("data/all"),
    share: Share = list(_SHARES),  # noqa: B006
    leave_out: Annotated[str, typer.Option(help="Set to leave out of training.")] = "",
    teacher_predictions: Annotated[
        Path | None, typer.Option("--opinions", help="Predictions of a teacher (a .parquet file of 'ask').")
    ] = None,
    rounds: int = 20,
    steps: int = 100,
    batch: int = 64,
    learning_rate: float = 5e-4,
    fall: float = 0.4,
    mixup: float = 0.2,
    evenness: float = 0.5,
    teacher_weight: float = 1.0,
    teacher_temperature: float = 1.0,
    scale: Annotated[
        float, typer.Option(help="Side length of the training crops, relative to the full size.")
    ] = 1.0,
    judge_every: int = 4,
    judge_on: Annotated[
        int, typer.Option(help="Maximum number of faces per set for the scores during training.")
    ] = 1200,
    threads: int = 1,
) -> None:
    """Train a network on several sets, or go on with a run that was stopped."""
    limit_threads(threads)
    options = SetsOptions(
        shares=parse_shares(share),
        rounds=rounds,
        steps=steps,
        batch=batch,
        learning_rate=learning_rate,
        fall=fall,
        mixup=mixup,
        evenness=evenness,
        teacher_weight=teacher_weight if teacher_predictions else 0.0,
    )
    view = as_seen(seen)
    pool = load_pool(data, view, ("train",))
    if leave_out:
        pool, options = without(pool, options, leave_out)
    if teacher_predictions:
        pool = with_teacher_predictions(pool, teacher_predictions, teacher_temperature)
    held_out = thinned(load_pool(data, view, ("validation",)), judge_on)
    network = begin(start_from, len(options.sets))

    def judge(network: keras.Model, done: int) -> dict[str, float]:
        if done % judge_every and done != options.rounds:
            return {}
        return {
            f"{score.name} {head}": value
            for score in score_sets(held_out, answers(network, held_out.crops()), options.sets)
            for head, value in (("common", score.common.value), ("own", score.own.value))
        }

    size = tuple(round(side * scale) for side in _SIZES[seen])
    train_on_sets(network, pool, run, options, (size[0], size[1]), judge, report)


@app.command()
def views(
    start_from: Annotated[Path, typer.Argument(help="Folder of FaceRes.")],
    output: Annotated[Path, typer.Argument(help="Folder to write the views to.")],
    data: Data = Path("data/all"),
    most: Annotated[
        list[str],
        typer.Option(help="SET=FACES: number of faces from a set, rare classes first; may be repeated."),
    ] = list(_MOST),  # noqa: B006
    twice: Annotated[list[str], typer.Option(help="Set with two views per face; repeatable.")] = ["rafdb"],  # noqa: B006
    blocks: Annotated[int, typer.Option(help="Last block that is not trained.")] = LAST_BELOW,
) -> None:
    """Compute the features of FaceRes' lower blocks for views of whole faces, to train the upper blocks."""
    counts = {name: int(count) for name, _, count in (text.partition("=") for text in most)}
    pool = load_pool(data, "face", ("train",))
    cut_views(pool, counts, SEEN_SIZE, lower_blocks(start_from, blocks), output, tuple(twice))


@app.command()
def train_upper(
    start_from: Annotated[Path, typer.Argument(help="Folder of FaceRes.")],
    views: Annotated[Path, typer.Argument(help="Folder of the views.")],
    run: Annotated[Path, typer.Option(help="Folder of the run.")],
    data: Data = Path("data/all"),
    share: Share = list(_SHARES),  # noqa: B006
    rounds: int = 30,
    steps: int = 50,
    learning_rate: float = 2e-4,
    fall: float = 0.7,
    blocks: Annotated[int, typer.Option(help="Last block that is not trained.")] = LAST_BELOW,
    go_on_from: Annotated[
        Path | None, typer.Option(help="Initial weights: the face.keras of a run, including its heads.")
    ] = None,
    leave_out: Annotated[str, typer.Option(help="Set to leave out of training.")] = "",
    threads: int = 1,
) -> None:
    """Train the upper blocks of FaceRes on views of whole faces, from a last layer fitted to some of them.

    Beside ``model.keras``, the upper blocks, the run's folder gets ``face.keras``, the whole network. Views
    that were cut through fewer blocks let more of them learn.
    """
    if go_on_from and leave_out:
        raise typer.BadParameter("a network that is gone on with has learnt from the set that is left out")
    limit_threads(threads)
    options = SetsOptions(
        shares=parse_shares(share),
        rounds=rounds,
        steps=steps,
        learning_rate=learning_rate,
        fall=fall,
        warm_up=40,
        weight_decay=0.02,
    )
    pool = load_views(views, load_pool(data, "face", ("train",)))
    if leave_out:
        pool, options = without(pool, options, leave_out)
    shape = pool.images.shape[1:]
    network = upper_network((shape[0], shape[1], shape[2]), blocks + 1, len(options.sets))
    weights = read_faceres(start_from)
    if go_on_from:
        take_part(network, load(go_on_from))
    else:
        begin_with(network, {name: weights[name] for name in layers_from(blocks + 1)})
        begin_with_head(network, pool)
    train_on_sets(network, pool, run, options, (0, 0), report=report)
    whole = face_network(len(options.sets))
    begin_with(whole, weights)
    with atomic_output(run / "face.keras") as made:
        take_over(whole, network).save(made)


@app.command()
def export_face(
    model: Annotated[Path, typer.Argument(help="The face.keras of a run.")],
    output: Annotated[Path, typer.Argument(help="Model folder to write to.")],
    about_data: Annotated[str, typer.Option(help="Source and licence of the training photographs.")] = "",
) -> None:
    """Write a whole-face network as the model of the region `face` of a folder; calibrate it with `refit`."""
    graph = store_weights_as_fp16(to_onnx(probabilities_of(load(model), FACE.size, _UNCALIBRATED)))
    manifest = ModelManifest(
        region=FACE.name,
        architecture="MobileNet",
        file="face.onnx",
        sha256="",
        precision="float32, weights stored as float16",
        size=FACE.size,
        temperature=_UNCALIBRATED,
        data=about_data,
    )
    typer.echo(put_model(graph, manifest, output))


@app.command()
def publish(model: Path, output: Path, data: Data = Path("data/all"), threads: int = 1) -> None:
    """Write what "emotion export" takes: a trained network's common part, batch norms settled."""
    limit_threads(threads)
    trained = load(model)
    view, architecture = identify(trained)
    plain = without_sets(trained, build(view, architecture))
    settle_batch_norm(plain, load_view(data, view, ("train",)))
    with atomic_output(output) as made:
        plain.save(made)


@app.command()
def interpolate(
    region: str,
    before: Annotated[Path, typer.Option(help="Model folder before training.")],
    after: Annotated[Path, typer.Option(help="Model folder after training.")],
    output: Annotated[Path, typer.Option(help="Model folder to write to.")],
    share: Annotated[float, typer.Option(help="Weight of the network after training, from 0 to 1.")] = 0.5,
) -> None:
    """Average a network before and after further training; `refit` its last layer afterwards."""
    typer.echo(interpolation.interpolate(before, after, as_seen(region), share, output))


@app.command()
def refit(
    region: str,
    models: Annotated[Path, typer.Option(help="Model folder with the features.")],
    output: Annotated[Path, typer.Option(help="Model folder to write to.")],
    data: Data = Path("data/all"),
    most: Annotated[int, typer.Option(help="Maximum number of training faces per class and set.")] = 1000,
    before: Annotated[float, typer.Option(help="Weight of the previous logits.")] = 0.5,
    evenness: float = 0.5,
    pull: float = 1e-2,
    wariness: Annotated[
        float, typer.Option(help="Regularisation against the effect of int8, as a multiple of its noise.")
    ] = 0.0,
) -> None:
    """Refit a model's last layer to all sets of a data set, in a minute or two.

    A quantised model gets the same last layer if it still agrees with the float one, else it is removed.
    """
    view = as_seen(region)
    pool = capped(load_pool(data, view, ("train",)), most)
    weights = face_weights(pool.labels, pool.sets, even_shares(pool.labels, pool.sets), evenness)
    features = features_of(models, view, pool.crops())
    quantised = choose_precision(models, view) == "int8"
    noise = wariness * _quantisation_noise(models, view, pool, features) if quantised else 0.0
    new = fit_head(features, pool.labels, weights, pull, noise=noise)
    old = model_head(models, view)
    head = Head(new.kernel + before * old.kernel, new.bias + before * old.bias)
    held_out = load_pool(data, view, ("validation",))
    logits = head(features_of(models, view, held_out.crops()))
    learnt_from = f"{', '.join(np.unique(pool.sets).tolist())}, train parts"
    temperature = _temperature(held_out, logits)
    typer.echo(put_head(models, view, head, temperature, output, learnt_from))
    if quantised:
        put_head(models, view, head, temperature, output, learnt_from, "int8")
        said = head(features_of(models, view, held_out.crops(), "int8")).argmax(axis=1)
        typer.echo(prove(output, view, said, logits.argmax(axis=1), held_out.labels))
    nothing = np.zeros((len(held_out), 0, len(EMOTIONS)), np.float32)
    for score in score_sets(held_out, {EMOTION_HEAD: logits, SET_HEAD: nothing}, ()):
        typer.echo(score.in_words())


def _quantisation_noise(
    models: Path, view: Seen, pool: Pool, features: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Root mean square difference of each feature between the quantised and the float model, (d,)."""
    rows = np.sort(np.random.default_rng(0).permutation(len(pool))[:_PROBED])
    there = features_of(models, view, pool[rows].crops(), "int8")
    return np.asarray(np.sqrt(np.mean(np.square(there - features[rows]), axis=0)), np.float32)


def _temperature(pool: Pool, logits: npt.NDArray[np.float32]) -> float:
    """Fitted to the sets that have all emotions: those that lack some are too easy."""
    shares = even_shares(pool.labels, pool.sets)
    whole = np.array([shares[name] == 1 for name in pool.sets.tolist()])
    rows = np.flatnonzero(whole) if whole.any() else np.arange(len(pool))
    return fit_temperature(pool.labels[rows], softmax(logits[rows]))


@app.command()
def judge(
    model: Path,
    seen: str,
    data: Data = Path("data/all"),
    part: str = "validation",
    share: list[str] = list(_SHARES),  # noqa: B006
    threads: int = 1,
) -> None:
    """Score a trained network on the held-out faces of each set."""
    limit_threads(threads)
    pool = load_pool(data, as_seen(seen), (part,))  # type: ignore[arg-type]
    sets = tuple(text.partition("=")[0] for text in share)
    for score in score_sets(pool, answers(load(model), pool.crops()), sets):
        typer.echo(score.in_words())


@app.command()
def ask(
    model: Path, output: Path, seen: str = "face", data: Data = Path("data/all"), threads: int = 1
) -> None:
    """Write the predictions of a trained teacher's common head for the training faces."""
    limit_threads(threads)
    pool = load_pool(data, as_seen(seen), ("train",))
    write_teacher_predictions(output, pool.sources, answers(load(model), pool.crops())["emotion"])


def begin(start_from: Path, sets: int) -> keras.Model:
    """The network that a run begins with."""
    if start_from.is_dir():
        network = face_network(sets)
        begin_with(network, read_faceres(start_from))
        return network
    trained = load(start_from)
    return with_sets(trained, sets)


def parse_shares(texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The share of each set, from `--share`."""
    return tuple((name, float(value)) for name, _, value in (text.partition("=") for text in texts))


def as_seen(text: str) -> Seen:
    """The input of a network, from an argument."""
    if text not in _SIZES:
        raise typer.BadParameter(f"{text} is none of {', '.join(_SIZES)}")
    return text  # type: ignore[return-value]


def thinned(pool: Pool, most: int) -> Pool:
    """At most so many faces of each set, always the same ones."""
    chosen = np.random.default_rng(0).permutation(len(pool))
    kept = [chosen[pool.sets[chosen] == name][:most] for name in np.unique(pool.sets)]
    return pool[np.sort(np.concatenate(kept))]


def capped(pool: Pool, most: int) -> Pool:
    """At most so many faces of each emotion of each set, always the same ones."""
    chosen = np.random.default_rng(0).permutation(len(pool))
    kept = [
        chosen[(pool.sets[chosen] == name) & (pool.labels[chosen] == label)][:most]
        for name in np.unique(pool.sets)
        for label in range(len(EMOTIONS))
    ]
    return pool[np.sort(np.concatenate(kept))]


def limit_threads(threads: int) -> None:
    """Let TensorFlow compute with so many threads; other backends decide for themselves."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415  other backends do without it

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # With a single one a step that waits for another may wait for ever, once in some hundreds of steps.
        tf.config.threading.set_inter_op_parallelism_threads(max(2, threads))


def report(row: dict[str, Any]) -> None:
    """Print a round's figures."""
    typer.echo("  ".join(f"{name} {value:.3f}" for name, value in row.items()))


if __name__ == "__main__":
    app()
