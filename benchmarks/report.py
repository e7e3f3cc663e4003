"""A report of the benchmark as tables, as Markdown and as a picture; and two reports compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion.benchmarks.stages import AFTER
from emotion.benchmarks.suite import FORMAT, MAIN
from emotion.models.atomic_files import atomic_output
from emotion.models.errors import ModelFileError

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, columns and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables(report: Values) -> list[Table]:
    """All tables of a report, in order."""
    made = [_head(report), _ratios(report), *_runs(report), _costs(report), _stages(report)]
    made += [_sweep(report), _accuracy(report), _peers(report), _first(report)]
    return [table for table in made if table.rows]


def markdown(report: Values) -> str:
    """The tables as Markdown."""
    return "\n\n".join(_markdown(table) for table in tables(report)) + "\n"


def compare(old: Values, new: Values) -> Table:
    """The speed-up of each run and stage compared with an older report.

    Raises:
        ModelFileError: `old` is not a report of this program.
    """
    if old.get("format") != FORMAT:
        raise ModelFileError("The older report is not one of this version of emotion bench: run it again.")
    rows = []
    for clip, values in new["clips"].items():
        before = old["clips"].get(clip)
        if before is None:
            continue
        earlier = {run["name"]: run["fps"] for run in before["runs"]}
        for run in values["runs"]:
            if run["name"] in earlier:
                ratio = run["fps"] / earlier[run["name"]]
                rows.append((clip, run["name"], _n(earlier[run["name"]]), _n(run["fps"]), f"{ratio:.2f}x"))
        costs = {stage["name"]: stage["cpu"] for stage in before["stages"]}
        for stage in values["stages"]:
            if costs.get(stage["name"]) and stage["cpu"]:
                ratio = costs[stage["name"]] / stage["cpu"]
                cells = (f"{costs[stage['name']]:.2f} ms", f"{stage['cpu']:.2f} ms", f"{ratio:.2f}x")
                rows.append((clip, f"stage {stage['name']}", *cells))
    same = old["machine"]["processor"] == new["machine"]["processor"]
    note = "" if same else f"Another machine: {old['machine']['processor']}."
    return Table("Compared", ("clip", "what", "before", "now", "faster"), tuple(rows), note)


def save_plot(path: Path, report: Values) -> None:
    """Frames a second of the main clip's runs, and what each stage costs, as one picture."""
    from matplotlib.figure import Figure  # noqa: PLC0415  only who wants a picture waits for it

    main, cores = report["clips"][MAIN.name], report["machine"]["cores"]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    speeds, costs = figure.subplots(1, 2)
    runs = main["runs"][::-1]
    bars = speeds.barh([run["name"] for run in runs], [run["fps"] for run in runs], color="#0E9AD0")
    speeds.bar_label(bars, fmt="%.0f", padding=3)
    speeds.axvline(main["bound_fps"], color="#333333", linestyle="--")
    speeds.set_title(f"Frames a second, {MAIN.name}\n(dashed: the bound; cores: {cores})")
    stages = main["stages"][::-1]
    bars = costs.barh(
        [stage["name"] for stage in stages], [stage["cpu"] for stage in stages], color="#D67E2B"
    )
    costs.bar_label(bars, fmt="%.1f", padding=3)
    costs.set_title(f"Processor milliseconds a frame,\n{MAIN.name}")
    for axis in (speeds, costs):
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    with atomic_output(path) as made:
        figure.savefig(made, dpi=120)


def _head(report: Values) -> Table:
    head, settings = report["machine"], report["settings"]
    workers = settings["workers"]
    rows = (
        ("processor", f"{head['processor']}, {head['cores']} cores, {head['memory_gib']} GiB"),
        ("GPU", head["gpu"] or "none"),
        ("system", f"{head['system']}, Python {head['python']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in head["versions"].items())),
        ("the models run on", head["provider"]),
        ("precision", ", ".join(f"{region}: {kind}" for region, kind in head["precision"].items())),
        (
            "workers",
            f"{workers['finders']} for faces, {workers['classifiers']} for the models (threads of each: "
            f"{settings['threads']}), batches up to {workers['batch']}",
        ),
    )
    return Table("Machine", ("", ""), rows)


def _ratios(report: Values) -> Table:
    rows = tuple((name, f"{value:.2f}") for name, value in report["ratios"].items())
    return Table("Ratios of this run", ("", ""), rows)


def _runs(report: Values) -> list[Table]:
    return [_runs_of(clip, values) for clip, values in report["clips"].items()]


def _runs_of(clip: str, values: Values) -> Table:
    rows = []
    for run in values["runs"]:
        latency = run["latency_ms"]
        count = sum(count for _, count in run["batches"])
        rows.append(
            (
                run["name"],
                _n(run["fps"]),
                f"{run['fps'] / values['bound_fps']:.0%}",
                f"{run['cores']:.2f}",
                f"{sum(size * times for size, times in run['batches']) / count:.1f}" if count else "",
                " / ".join(map(_n, latency)) + f", {run['dropped']} dropped" if latency else "",
            )
        )
    columns = (
        "",
        "fps",
        "of the bound",
        "cores busy",
        "frames a batch",
        "latency ms p50/p95/p99",
    )
    bound = _n(values["bound_fps"])
    note = f"The bound is {bound} fps: all cores at nothing but the float32 stages up to the vote."
    return Table(f"{clip}, end to end", columns, tuple(rows), note)


def _costs(report: Values) -> Table:
    names = [stage["name"] for stage in report["clips"][MAIN.name]["stages"]]
    rows = []
    for clip, values in report["clips"].items():
        costs = {stage["name"]: stage["cpu"] for stage in values["stages"]}
        total = sum(cost for name, cost in costs.items() if name not in AFTER)
        rows.append((clip, *(f"{costs[name]:.2f}" for name in names), f"{total:.2f}"))
    return Table(
        "Processor milliseconds a frame, each stage alone", ("", *names, "up to the vote"), tuple(rows)
    )


def _stages(report: Values) -> Table:
    keys = ("mean", "p50", "p95", "p99")
    rows = tuple(
        (stage["name"], *(f"{stage[key]:.2f}" for key in keys))
        for stage in report["clips"][MAIN.name]["stages"]
    )
    return Table(f"Milliseconds on the clock, each stage alone, {MAIN.name}", ("", *keys), rows)


def _sweep(report: Values) -> Table:
    rows = tuple(
        (
            point["region"],
            point["precision"],
            str(point["threads"]),
            str(point["batch"]),
            f"{point['ms']:.2f}",
            _n(point["crops_per_second"]),
        )
        for point in report["sweep"]
    )
    columns = ("model", "precision", "threads", "batch", "ms a crop", "crops a second")
    return Table("The models alone", columns, rows)


def _accuracy(report: Values) -> Table:
    rows = tuple(
        (
            row["precision"],
            str(row["faces"]),
            f"{row['agreement']:.1%}",
            f"{row['accuracy']:.1%}",
            f"{row['balanced_accuracy']:.1%}",
        )
        for row in report["accuracy"]
    )
    columns = ("precision", "faces", "same vote as fp32", "right", "balanced")
    return Table("What speed costs: the vote on the test part", columns, rows)


def _peers(report: Values) -> Table:
    rows = tuple(
        (
            peer["name"],
            peer["work"],
            f"{peer['ms']:.1f}" if peer["ms"] else "",
            f"{peer['ours_ms']:.1f}" if peer["ours_ms"] else "",
            f"{peer['ratio']:.1f}x" if peer["ratio"] else "",
            peer["note"],
        )
        for peer in report["peers"]
    )
    return Table("Other ways to do it", ("", "for", "ms", "here ms", "faster here", ""), rows)


def _first(report: Values) -> Table:
    first = report["first_result"]
    rows = (
        ("first result after", f"{first['first_s']:.2f} s"),
        ("of that, imports", f"{first['import_s']:.2f} s"),
        ("of that, loading the models", f"{first['load_s']:.2f} s"),
        *(
            (f"most memory over {first['frames']} frames of {clip}", f"{mib:.0f} MiB")
            for clip, mib in report["annotate_mib"].items()
        ),
    )
    note = "TensorFlow is installed here, and MediaPipe imports it." if first["tensorflow_imported"] else ""
    return Table("A fresh process that annotates", ("", ""), rows, note)


def _markdown(table: Table) -> str:
    lines = [f"### {table.title}", "", _line(table.columns), _line(["---"] * len(table.columns))]
    lines += [_line(row) for row in table.rows]
    return "\n".join([*lines, *(["", table.note] if table.note else [])])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _n(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
