"""The lines that say which files were written."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from emotion.cli.console import shown
from emotion.photographs import PhotographOutputs, PhotographSummary
from emotion.realtime.sinks.formats import format_named
from emotion.videos import Outputs


def say_where(outputs: Outputs, out: Console) -> None:
    """Print the files of a video's results, by kind."""
    for kind, paths in _by_kind(outputs):
        out.print(f"  {kind:<16} {', '.join(map(shown, paths))}")


def say_photographs(outputs: PhotographOutputs, summary: PhotographSummary, out: Console) -> None:
    """Print the files of photographs' results; of many annotated pictures their folders."""
    if outputs.pictures:
        places = sorted({shown(path.parent) for path in outputs.pictures.values()})
        more = f" and {len(places) - 3} more folders" if len(places) > 3 else ""
        places_shown = f"{summary.photographs} in {', '.join(places[:3])}{more}"
        if len(outputs.pictures) == 1:
            places_shown = shown(*outputs.pictures.values())
        out.print(f"  {'annotated':<16} {places_shown}")
    if outputs.tables:
        out.print(f"  {'table':<16} {', '.join(map(shown, outputs.tables.values()))}")
    out.print(f"  {'summary':<16} {shown(outputs.summary)}")


def _by_kind(outputs: Outputs) -> Iterator[tuple[str, list[Path]]]:
    kinds: dict[str, list[Path]] = {}
    for name, path in outputs.files.items():
        kinds.setdefault(format_named(name).kind, []).append(path)
    yield from kinds.items()
    yield "summary", [outputs.summary]
