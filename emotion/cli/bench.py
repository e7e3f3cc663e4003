"""The command `emotion bench`: how fast this machine is, and its best settings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as RichTable

from emotion.benchmarks.options import BenchOptions
from emotion.benchmarks.tuning import tuned
from emotion.cli.console import console, errors, shown
from emotion.cli.parameters import with_options
from emotion.loading import load_models
from emotion.models.atomic_files import write_atomically
from emotion.models.engines.options import EngineOptions
from emotion.models.errors import EmotionError
from emotion.models.options import Only
from emotion.models.user_folders import user_folder
from emotion.realtime.errors import SinkError, SourceError
from emotion.realtime.options import Options
from emotion.realtime.session import Workers
from emotion.realtime.sinks.overwrite_guard import keep_apart
from emotion.realtime.sinks.result_ledger import check_free
from emotion.realtime.sources.demo import DEMO

app = typer.Typer(add_completion=False)

EXAMPLES = """
Examples:

emotion bench --quick                                  two clips, in under a minute

emotion bench --json now.json --compare before.json    everything, compared with an earlier report

emotion bench --tune                                   the best settings of this machine
"""
# Width in a file or a pipe; a terminal has its own.
_WIDTH = 130


@app.command(epilog=EXAMPLES)
@with_options
def bench(
    *,
    bench: BenchOptions,
    options: Annotated[
        Options,
        Only("provider", "precision", "threads", "workers", "finders", "stride", "models", "regions"),
    ],
) -> None:
    """Measure frame rate, latency and memory on this machine, for each stage."""
    from emotion.benchmarks import report as reports  # noqa: PLC0415  only this command waits for it
    from emotion.benchmarks.suite import Suite, run_suite  # noqa: PLC0415

    results = [path for path in (bench.json, bench.markdown, bench.plot) if path]
    reads = [bench.compare, *options.engine.models.glob("*"), *(bench.data.glob("*") if bench.data else ())]
    keep_apart(reads, results)
    if not bench.overwrite:
        check_free(results)
    older = _read(bench.compare) if bench.compare else None
    if bench.tune:
        _tune(DEMO, options.engine)
        return
    if bench.soak:
        raise typer.Exit(0 if _soak(DEMO, options.engine, bench, bench.soak) else 1)
    options = tuned(options)
    if bench.loop:
        _loop(DEMO, options, bench.loop)
        return
    fer_folder = user_folder("cache") / "fer"
    suite = Suite(DEMO, bench, options, fer_folder, program="emotion.cli.app")
    values = run_suite(suite, lambda line: errors.print(f"measuring {line} ...", style="dim"))
    for table in reports.tables(values):
        _print(table)
    if older:
        _print(reports.compare(older, values))
    with _writing():
        if bench.json:
            write_atomically(bench.json, json.dumps(values, indent=2) + "\n")
        if bench.markdown:
            write_atomically(bench.markdown, reports.markdown(values))
        if bench.plot:
            reports.save_plot(bench.plot, values)


def _tune(clip: Path, engine: EngineOptions) -> None:
    from emotion.benchmarks import tuning  # noqa: PLC0415
    from emotion.benchmarks.clips import ClipSpec, make_clip  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        made = make_clip(clip, Path(folder) / "clip.mp4", ClipSpec(frames=150))
        trials = tuning.tune(made, engine, say=console.print)
    best = tuning.choose(trials)
    path = tuning.tuning_path()
    with _writing():
        tuning.remember(path, best, engine)
    console.print(
        f"Best here: {best.setting} ({best.fps:.1f} frames a second).\n"
        f"Remembered in {shown(path)}, and used from now on."
    )


def _loop(clip: Path, options: Options, minutes: float) -> None:
    from emotion.benchmarks import runs  # noqa: PLC0415
    from emotion.benchmarks.clips import RATE, ClipSpec, make_clip  # noqa: PLC0415

    models = load_models(options.engine, errors.print)
    frames = max(1, round(minutes * 60 * RATE))
    with TemporaryDirectory() as folder:
        made = make_clip(clip, Path(folder) / "clip.mp4", ClipSpec(frames=300))
        usage = runs.looped(made, models, 4, frames, Workers.of(options))
    console.print(
        f"{frames} frames ({minutes:g} minutes of video) in {usage.seconds:.0f} s: memory at most "
        f"{usage.peak_mib:.0f} MiB, {runs.growth(usage.samples):+.1f} MiB from the middle to the end"
    )


def _soak(clip: Path, engine: EngineOptions, bench: BenchOptions, seconds: float) -> bool:
    """Run live with each of these numbers of faces; returns whether all targets are met."""
    from emotion.benchmarks.live import measure  # noqa: PLC0415

    models = load_models(engine, errors.print)
    figures = []
    for count in bench.soak_faces:
        figures.append(measure(models, clip, count, seconds, bench.window))
        _print(figures[-1].table())
    if bench.json:
        with _writing():
            found = json.dumps([one.to_dict() for one in figures], indent=2)
            write_atomically(bench.json, found + "\n")
    return all(all(one.targets().values()) for one in figures)


def _print(table: object) -> None:
    from emotion.benchmarks.report import Table  # noqa: PLC0415

    assert isinstance(table, Table)
    rich = RichTable(*table.columns, title=table.title, title_justify="left", caption=table.note or None)
    rich.show_header = any(table.columns)
    for row in table.rows:
        rich.add_row(*row)
    (console if console.is_terminal else Console(width=_WIDTH)).print(rich)


def _read(path: Path) -> dict[str, object]:
    wrong = f"{path} is not a report: name a file that 'emotion bench --json' wrote."
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
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
