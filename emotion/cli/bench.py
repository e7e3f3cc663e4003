"""The command `emotion bench`: how fast this machine is, and its best settings."""

import json as json_format
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from platformdirs import user_cache_path
from rich.console import Console
from rich.table import Table as RichTable

from emotion.cli.console import console, errors, shown
from emotion.cli.engine import (
    FindersOption,
    ModelFolder,
    PrecisionOption,
    ProviderOption,
    StrideOption,
    ThreadsOption,
    WorkersOption,
    how_many,
    load_models,
    tuning_path,
)
from emotion.models.errors import EmotionError
from emotion.models.manifest import ZOO
from emotion.realtime.errors import SinkError, SourceError
from emotion.realtime.session import Workers
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sources.demo import DEMO

app = typer.Typer()
_PEERS = ("keras", "openvino", "fer")
# The marks of live are for one face and for three.
_FACES = (1, 3)
# In a file or a pipe; a terminal has its own.
_WIDTH = 130


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Within a minute, on two clips only.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="Write everything here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture here, .png or .svg.")] = None,
    compare: Annotated[Path | None, typer.Option(help="An older --json file: show the ratios.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data set of 'emotion dataset': what int8 costs in accuracy.")
    ] = None,
    peers: Annotated[
        str, typer.Option(help="Others to compare with: keras, openvino, fer (installs it first), none.")
    ] = "keras,openvino",
    keras_python: Annotated[
        str, typer.Option(help="A Python with the training extra, where this one has none.")
    ] = sys.executable,
    tune: Annotated[
        bool, typer.Option("--tune", help="Only find this machine's best settings, and remember them.")
    ] = False,
    loop: Annotated[
        float | None, typer.Option(min=0.01, help="Only run a clip for so many minutes of video; memory.")
    ] = None,
    soak: Annotated[
        float | None,
        typer.Option(
            min=3,
            metavar="SECONDS",
            help="Only run live for so long with one face, then with three: does it keep up, does it grow?",
        ),
    ] = None,
    faces: Annotated[
        list[int] | None, typer.Option(help="With --soak: 1 or 3 faces only; repeatable.")
    ] = None,
    window: Annotated[
        bool, typer.Option("--window", help="With --soak: show the pictures; there must be a screen.")
    ] = False,
    provider: ProviderOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
    finders: FindersOption = None,
    stride: StrideOption = 1,
    models: ModelFolder = ZOO,
) -> None:
    """Measure frames per second, latency and memory on this machine, stage by stage."""
    from emotion.benchmarks import report as reports  # noqa: PLC0415  only this command waits for it
    from emotion.benchmarks.suite import SuiteOptions, run_suite  # noqa: PLC0415

    results = [path for path in (json, markdown, plot) if path]
    keep_apart([compare, *models.glob("*"), *(data.glob("*") if data else ())], results)
    each, team = how_many(threads, workers, finders, provider, precision, stride)
    chosen = _peers(peers)
    older = _read(compare) if compare else None
    if tune:
        _tune(DEMO, models, provider, precision)
        return
    if soak:
        loaded = load_models(models, provider, threads, precision)
        reached = _soak(DEMO, loaded, soak, _faces(faces), window, json)
        raise typer.Exit(0 if reached else 1)
    if loop:
        _loop(DEMO, load_models(models, provider, each, precision), team, loop)
        return
    options = SuiteOptions(
        DEMO,
        models,
        provider,
        precision,
        each,
        team,
        quick,
        data,
        chosen,
        user_cache_path("emotion-live", appauthor=False) / "fer",
        keras_python,
        program="emotion.cli.app",
    )
    values = run_suite(options, lambda line: errors.print(f"measuring {line} ...", style="dim"))
    for table in reports.tables(values):
        _print(table)
    if older:
        _print(reports.compare(older, values))
    with _writing():
        if json:
            json.write_text(json_format.dumps(values, indent=2) + "\n", encoding="utf-8")
        if markdown:
            markdown.write_text(reports.markdown(values), encoding="utf-8")
        if plot:
            reports.save_plot(plot, values)


def _tune(clip: Path, models: Path, provider: ProviderOption, precision: PrecisionOption) -> None:
    from emotion.benchmarks import tuning  # noqa: PLC0415
    from emotion.benchmarks.clips import ClipSpec, make_clip  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        made = make_clip(clip, Path(folder) / "clip.mp4", ClipSpec(frames=150))
        trials = tuning.tune(made, models, provider, precision, say=console.print)
    best = tuning.choose(trials)
    path = tuning_path()
    with _writing():
        tuning.remember(path, best, provider, precision)
    console.print(
        f"Best here: {best.setting} ({best.fps:.1f} frames a second).\n"
        f"Remembered in {shown(path)}, and used from now on."
    )


def _loop(clip: Path, models: object, team: Workers, minutes: float) -> None:
    from emotion.benchmarks import runs  # noqa: PLC0415
    from emotion.benchmarks.clips import RATE, ClipSpec, make_clip  # noqa: PLC0415
    from emotion.realtime.session import Models  # noqa: PLC0415

    assert isinstance(models, Models)
    frames = max(1, round(minutes * 60 * RATE))
    with TemporaryDirectory() as folder:
        made = make_clip(clip, Path(folder) / "clip.mp4", ClipSpec(frames=300))
        usage = runs.looped(made, models, 4, frames, team)
    console.print(
        f"{frames} frames ({minutes:g} minutes of video) in {usage.seconds:.0f} s: memory at most "
        f"{usage.peak_mib:.0f} MiB, {runs.growth(usage.samples):+.1f} MiB from the middle to the end"
    )


def _soak(
    clip: Path, models: object, seconds: float, faces: Sequence[int], window: bool, path: Path | None
) -> bool:
    """Run live with so many faces each; whether all marks are reached."""
    from emotion.benchmarks.live import measure  # noqa: PLC0415
    from emotion.realtime.session import Models  # noqa: PLC0415

    assert isinstance(models, Models)
    marks = []
    for count in faces:
        marks.append(measure(models, clip, count, seconds, window))
        _print(marks[-1].table())
    if path:
        with _writing():
            path.write_text(
                json_format.dumps([mark.to_dict() for mark in marks], indent=2) + "\n", encoding="utf-8"
            )
    return all(all(mark.marks().values()) for mark in marks)


def _faces(counts: Sequence[int] | None) -> Sequence[int]:
    for count in counts or ():
        if count not in _FACES:
            raise typer.BadParameter(f"{count} is not 1 or 3", param_hint="--faces")
    return counts or _FACES


def _print(table: object) -> None:
    from emotion.benchmarks.report import Table  # noqa: PLC0415

    assert isinstance(table, Table)
    rich = RichTable(*table.columns, title=table.title, title_justify="left", caption=table.note or None)
    rich.show_header = any(table.columns)
    for row in table.rows:
        rich.add_row(*row)
    (console if console.is_terminal else Console(width=_WIDTH)).print(rich)


def _peers(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))
    unknown = [name for name in names if name not in _PEERS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(_PEERS)}", param_hint="--peers")
    return names


def _read(path: Path) -> dict[str, object]:
    wrong = f"{path} is not a report: name a file that 'emotion bench --json' wrote."
    try:
        values = json_format.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): name a file of --json.") from error
    except ValueError as error:
        raise SourceError(wrong) from error
    if not isinstance(values, dict):
        raise SourceError(wrong)
    return values


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except EmotionError:
        raise
    except OSError as error:
        raise SinkError(
            f"{error.filename} cannot be written ({error.strerror}): choose another place."
        ) from error
