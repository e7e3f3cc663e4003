"""``python -m emotion.learn``: train and evaluate networks on several sets, and write their predictions."""

from emotion.models.native import signals

if __name__ == "__main__":  # before the imports, which take half a second
    signals.end_at_once()

# Keras is imported by the commands that need it, so that help does not wait for TensorFlow.
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from emotion.models.atomic_files import atomic_output
from emotion.models.classes import EMOTIONS
from emotion.models.data import face_crops
from emotion.models.data.pools import (
    Pool,
    RegionName,
    load_pool,
    softmax,
    with_teacher_predictions,
    write_teacher_predictions,
)
from emotion.models.errors import EmotionError
from emotion.models.manifest import ModelManifest, choose_precision
from emotion.models.native.log import filter_standard_error
from emotion.models.regions import EYES, FACE, LIPS
from emotion.models.statistics.calibration import fit_temperature
from emotion.models.training.inputs import load_view
from emotion.models.training.options import LAST_FROZEN_BLOCK
from emotion.models.training.refit import Head, even_shares, face_weights, fit_head

if TYPE_CHECKING:
    import keras

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

_SIZES = {"eyes": EYES.size, "lips": LIPS.size, "face": face_crops.SIZE}
_NOISE_FACES = 512
_MOST = ("rafdb=9003", "web-faces=9000", "ferplus=8000", "news-faces=400")
# Another one than 1, so that the graph has the factor that `refit` fills in.
_UNCALIBRATED = 1.25
_SHARES = ("rafdb=0.4", "web-faces=0.3", "ferplus=0.27", "news-faces=0.03")
Rounds = Annotated[int, typer.Option(help="Number of rounds; a checkpoint is saved after each.")]
Steps = Annotated[int, typer.Option(help="Steps of gradient descent per round.")]
LearningRate = Annotated[float, typer.Option(help="Learning rate of AdamW, before it decays.")]
Fall = Annotated[
    float, typer.Option(help="Share of all steps, at the end, in which the learning rate decays.")
]
Balance = Annotated[
    float, typer.Option(help="Class balance: 0: as in each set; 1: all classes have equal weight.")
]
Threads = Annotated[int, typer.Option(help="Number of threads of TensorFlow.")]
Data = Annotated[Path, typer.Option(help="Data set made by 'emotion dataset'.")]
RegionArgument = Annotated[str, typer.Argument(help=f"Region that the network takes: {', '.join(_SIZES)}.")]
Share = Annotated[list[str], typer.Option(help="SET=SHARE: part of each round from a set; may be repeated.")]


@app.command()
def cut(roots: list[Path], data: Data = Path("data/all"), workers: int = 1) -> None:
    """Cut the whole faces of a data set out of its photographs."""
    typer.echo(f"{len(face_crops.cut_faces(data, roots, workers).sources)} faces")


@app.command()
def train(
    region: RegionArgument,
    start_from: Annotated[Path, typer.Option(help="Folder of FaceRes, or a .keras file.")],
    run: Annotated[Path, typer.Option(help="Folder of the run.")],
    data: Data = Path("data/all"),
    share: Share = list(_SHARES),  # noqa: B006
    leave_out: Annotated[str, typer.Option(help="Set to leave out of training.")] = "",
    teacher_predictions: Annotated[
        Path | None, typer.Option(help="Predictions of a teacher (a .parquet file of 'predict').")
    ] = None,
    rounds: Rounds = 20,
    steps: Steps = 100,
    batch: Annotated[int, typer.Option(help="Batch size.")] = 64,
    learning_rate: LearningRate = 5e-4,
    fall: Fall = 0.4,
    mixup: Annotated[float, typer.Option(help="Parameter of the beta distribution of mixup; 0: none.")] = 0.2,
    evenness: Balance = 0.5,
    teacher_weight: Annotated[
        float, typer.Option(help="Weight of the distillation loss, relative to that of the labels.")
    ] = 1.0,
    teacher_temperature: Annotated[float, typer.Option(help="Temperature of distillation.")] = 1.0,
    scale: Annotated[
        float, typer.Option(help="Side length of the training crops, relative to the full size.")
    ] = 1.0,
    evaluate_every: Annotated[int, typer.Option(help="Rounds from one evaluation to the next.")] = 4,
    evaluate_on: Annotated[int, typer.Option(help="Maximum number of faces per set for evaluation.")] = 1200,
    threads: Threads = 1,
) -> None:
    """Train a network on several sets, or go on with a run that was stopped."""
    from emotion.models.training import many_sets

    limit_threads(threads)
    options = many_sets.SetsOptions(
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
    name = region_name(region)
    pool = load_pool(data, name, ("train",))
    if leave_out:
        pool, options = many_sets.without(pool, options, leave_out)
    if teacher_predictions:
        pool = with_teacher_predictions(pool, teacher_predictions, teacher_temperature)
    held_out = load_pool(data, name, ("validation",)).at_most(evaluate_on)
    network = begin(start_from, len(options.sets))

    def evaluation(network: "keras.Model", done: int) -> dict[str, float]:
        due = done % evaluate_every == 0 or done == options.rounds
        return scores_by_head(network, held_out, options.sets) if due else {}

    height, width = (round(side * scale) for side in _SIZES[name])
    many_sets.train_on_sets(network, pool, run, options, (height, width), evaluation, report)


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
    blocks: Annotated[int, typer.Option(help="Last block that is not trained.")] = LAST_FROZEN_BLOCK,
) -> None:
    """Compute the features of FaceRes' lower blocks for views of whole faces, to train the upper blocks."""
    from emotion.exporters.faceres import lower_blocks
    from emotion.models.training.face_views import cut_views
    from emotion.models.training.set_networks import INPUT_SIZE

    counts = {name: int(count) for name, _, count in (text.partition("=") for text in most)}
    pool = load_pool(data, "face", ("train",))
    cut_views(pool, counts, INPUT_SIZE, lower_blocks(start_from, blocks), output, tuple(twice))


@app.command()
def train_upper(
    start_from: Annotated[Path, typer.Argument(help="Folder of FaceRes.")],
    views: Annotated[Path, typer.Argument(help="Folder of the views.")],
    run: Annotated[Path, typer.Option(help="Folder of the run.")],
    data: Data = Path("data/all"),
    share: Share = list(_SHARES),  # noqa: B006
    rounds: Rounds = 30,
    steps: Steps = 50,
    learning_rate: LearningRate = 2e-4,
    fall: Fall = 0.7,
    blocks: Annotated[int, typer.Option(help="Last block that is not trained.")] = LAST_FROZEN_BLOCK,
    continue_from: Annotated[
        Path | None, typer.Option(help="Initial weights: the face.keras of a run, including its heads.")
    ] = None,
    leave_out: Annotated[str, typer.Option(help="Set to leave out of training.")] = "",
    threads: Threads = 1,
) -> None:
    """Train the upper blocks of FaceRes on views of whole faces, from a last layer fitted to some of them.

    Beside ``model.keras``, the upper blocks, the run's folder gets ``face.keras``, the whole network. Views
    that were cut through fewer blocks let more of them learn.
    """
    from emotion.exporters.faceres import read_faceres
    from emotion.models.training import many_sets, set_networks
    from emotion.models.training.face_views import load_views
    from emotion.models.training.mobilenet import begin_with, layers_from

    if continue_from and leave_out:
        raise typer.BadParameter("the network of --continue-from was trained on the set that is left out")
    limit_threads(threads)
    options = many_sets.SetsOptions(
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
        pool, options = many_sets.without(pool, options, leave_out)
    height, width, filters = pool.images.shape[1:]
    network = set_networks.upper_network((height, width, filters), blocks + 1, len(options.sets))
    weights = read_faceres(start_from)
    if continue_from:
        set_networks.take_part(network, set_networks.load(continue_from))
    else:
        begin_with(network, {name: weights[name] for name in layers_from(blocks + 1)})
        set_networks.begin_with_head(network, pool)
    many_sets.train_on_sets(network, pool, run, options, (0, 0), report=report)
    whole = set_networks.face_network(len(options.sets))
    begin_with(whole, weights)
    with atomic_output(run / "face.keras") as made:
        set_networks.take_over(whole, network).save(made)


@app.command()
def export_face(
    model: Annotated[Path, typer.Argument(help="The face.keras of a run.")],
    output: Annotated[Path, typer.Argument(help="Model folder to write to.")],
    about_data: Annotated[str, typer.Option(help="Source and licence of the training photographs.")] = "",
) -> None:
    """Write a whole-face network as the model of the region `face` of a folder; calibrate it with `refit`."""
    from emotion.exporters.convert import to_onnx
    from emotion.exporters.graphs import store_weights_as_fp16
    from emotion.exporters.model_files import put_model
    from emotion.models.training.set_networks import load, probabilities_of

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
def publish(model: Path, output: Path, data: Data = Path("data/all"), threads: Threads = 1) -> None:
    """Write what "emotion export" takes: a trained network's common part, batch norms settled."""
    from emotion.models.training.networks import build, identify
    from emotion.models.training.set_networks import load, without_sets
    from emotion.models.training.trainer import settle_batch_norm

    limit_threads(threads)
    trained = load(model)
    view, architecture = identify(trained)
    plain = without_sets(trained, build(view, architecture))
    settle_batch_norm(plain, load_view(data, view, ("train",)))
    with atomic_output(output) as made:
        plain.save(made)


@app.command()
def interpolate(
    region: RegionArgument,
    before: Annotated[Path, typer.Option(help="Model folder before training.")],
    after: Annotated[Path, typer.Option(help="Model folder after training.")],
    output: Annotated[Path, typer.Option(help="Model folder to write to.")],
    share: Annotated[float, typer.Option(help="Weight of the network after training, from 0 to 1.")] = 0.5,
) -> None:
    """Average a network before and after further training; `refit` its last layer afterwards."""
    from emotion.exporters import interpolate as interpolation

    typer.echo(interpolation.interpolate(before, after, region_name(region), share, output))


@app.command()
def refit(
    region: RegionArgument,
    models: Annotated[Path, typer.Option(help="Model folder with the features.")],
    output: Annotated[Path, typer.Option(help="Model folder to write to.")],
    data: Data = Path("data/all"),
    most: Annotated[int, typer.Option(help="Maximum number of training faces per class and set.")] = 1000,
    before: Annotated[float, typer.Option(help="Weight of the previous logits.")] = 0.5,
    evenness: Balance = 0.5,
    pull: Annotated[float, typer.Option(help="Strength of the L2 regularisation.")] = 1e-2,
    wariness: Annotated[
        float, typer.Option(help="Regularisation against the effect of int8, as a multiple of its noise.")
    ] = 0.0,
) -> None:
    """Refit a model's last layer to all sets of a data set, in a minute or two.

    A quantised model gets the same last layer if it still agrees with the float one, else it is removed.
    """
    from emotion.exporters.head import features_of, model_head, put_head
    from emotion.exporters.quantise import prove
    from emotion.models.training.networks import EMOTION_HEAD
    from emotion.models.training.set_heads import SET_HEAD
    from emotion.models.training.set_scores import score_sets

    name = region_name(region)
    pool = load_pool(data, name, ("train",)).at_most(most, per_class=True)
    weights = face_weights(pool.labels, pool.sets, even_shares(pool.labels, pool.sets), evenness)
    features = features_of(models, name, pool.crops())
    quantised = choose_precision(models, name) == "int8"
    noise = wariness * _quantisation_noise(models, name, pool, features) if quantised else 0.0
    new = fit_head(features, pool.labels, weights, pull, noise=noise)
    old = model_head(models, name)
    head = Head(new.kernel + before * old.kernel, new.bias + before * old.bias)
    held_out = load_pool(data, name, ("validation",))
    logits = head(features_of(models, name, held_out.crops()))
    trained_on = f"{', '.join(np.unique(pool.sets).tolist())}, train parts"
    temperature = _temperature(held_out, logits)
    typer.echo(put_head(models, name, head, temperature, output, trained_on))
    if quantised:
        put_head(models, name, head, temperature, output, trained_on, "int8")
        int8 = head(features_of(models, name, held_out.crops(), "int8")).argmax(axis=1)
        typer.echo(prove(output, name, int8, logits.argmax(axis=1), held_out.labels))
    nothing = np.zeros((len(held_out), 0, len(EMOTIONS)), np.float32)
    for score in score_sets(held_out, {EMOTION_HEAD: logits, SET_HEAD: nothing}, ()):
        typer.echo(score.in_words())


def _quantisation_noise(
    models: Path, region: RegionName, pool: Pool, features: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Root mean square difference of each feature between the quantised and the float model, (d,)."""
    from emotion.exporters.head import features_of

    rows = np.sort(np.random.default_rng(0).permutation(len(pool))[:_NOISE_FACES])
    quantised = features_of(models, region, pool[rows].crops(), "int8")
    return np.asarray(np.sqrt(np.mean(np.square(quantised - features[rows]), axis=0)), np.float32)


def _temperature(pool: Pool, logits: npt.NDArray[np.float32]) -> float:
    """Fitted to the sets that have all emotions: those that lack some are too easy."""
    shares = even_shares(pool.labels, pool.sets)
    whole = np.array([shares[name] == 1 for name in pool.sets.tolist()])
    rows = np.flatnonzero(whole) if whole.any() else np.arange(len(pool))
    return fit_temperature(pool.labels[rows], softmax(logits[rows]))


@app.command()
def evaluate(
    model: Path,
    region: RegionArgument,
    data: Data = Path("data/all"),
    part: str = "validation",
    share: list[str] = list(_SHARES),  # noqa: B006
    threads: Threads = 1,
) -> None:
    """Score a trained network on the held-out faces of each set."""
    from emotion.models.training import many_sets, set_networks
    from emotion.models.training.set_scores import score_sets

    limit_threads(threads)
    pool = load_pool(data, region_name(region), (part,))  # type: ignore[arg-type]
    sets = tuple(text.partition("=")[0] for text in share)
    predictions = many_sets.predict(set_networks.load(model), pool.crops())
    for score in score_sets(pool, predictions, sets):
        typer.echo(score.in_words())


@app.command()
def predict(
    model: Path,
    output: Path,
    region: RegionArgument = "face",
    data: Data = Path("data/all"),
    threads: Threads = 1,
) -> None:
    """Write the predictions of a trained teacher's common head for the training faces."""
    from emotion.models.training import many_sets, set_networks
    from emotion.models.training.networks import EMOTION_HEAD

    limit_threads(threads)
    pool = load_pool(data, region_name(region), ("train",))
    predictions = many_sets.predict(set_networks.load(model), pool.crops())
    write_teacher_predictions(output, pool.sources, predictions[EMOTION_HEAD])


def begin(start_from: Path, sets: int) -> "keras.Model":
    """The network that a run begins with."""
    from emotion.exporters.faceres import read_faceres
    from emotion.models.training import mobilenet, set_networks

    if start_from.is_dir():
        network = set_networks.face_network(sets)
        mobilenet.begin_with(network, read_faceres(start_from))
        return network
    return set_networks.with_sets(set_networks.load(start_from), sets)


def scores_by_head(network: "keras.Model", pool: Pool, sets: Sequence[str]) -> dict[str, float]:
    """Balanced accuracy of the common head and of each set's own, by set and head."""
    from emotion.models.training import many_sets
    from emotion.models.training.set_scores import score_sets

    return {
        f"{score.name} {head}": value
        for score in score_sets(pool, many_sets.predict(network, pool.crops()), sets)
        for head, value in (("common", score.common.value), ("own", score.own.value))
    }


def parse_shares(texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The share of each set, from `--share`."""
    return tuple((name, float(value)) for name, _, value in (text.partition("=") for text in texts))


def region_name(text: str) -> RegionName:
    """The region whose crops a network takes, from an argument."""
    if text not in _SIZES:
        raise typer.BadParameter(f"{text} is none of {', '.join(_SIZES)}")
    return text  # type: ignore[return-value]


def limit_threads(threads: int) -> None:
    """Let TensorFlow compute with so many threads; other backends decide for themselves."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # other backends do without it

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # With a single one a step that waits for another may wait for ever, once in some hundreds of steps.
        tf.config.threading.set_inter_op_parallelism_threads(max(2, threads))


def report(row: dict[str, Any]) -> None:
    """Print a round's figures."""
    typer.echo("  ".join(f"{name} {value:.3f}" for name, value in row.items()))


def program() -> None:
    """Run a command; what a user can correct ends in a sentence."""
    filter_standard_error()
    command = typer.main.get_command(app)
    signals.end_in_order()
    try:
        command()
    except EmotionError as error:
        typer.echo(error, err=True)
        sys.exit(error.exit_code)
    finally:
        signals.end_by_system()


if __name__ == "__main__":
    program()
