"""What releases measured: a report of `emotion bench --json` each, named by version and processor.

    python -m emotion.benchmarks.history

prints them as a table in Markdown. `emotion bench --compare last` shows a new run beside the last of them.
May import nothing of the project.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LAST = "last"
_RUNS = ("loop, one thread", "pipeline", "pipeline, int8", "annotate (draws, writes H.264)")
_MAIN = "640x480, 1 face"


def reports(folder: Path = FOLDER) -> list[Path]:
    """The files, the oldest first: each is called after its number in the row."""
    return sorted(folder.glob("*.json"))


def read_report(text: str) -> Path:
    """The file that a text stands for: a path, or ``last``."""
    kept = reports()
    return kept[-1] if text == LAST and kept else Path(text)


def table(folder: Path = FOLDER) -> str:
    """All of them as a table in Markdown: frames a second of the main clip, start and memory."""
    head = ("release", "processor", "models", *_RUNS, "of the bound", "first result", "peak MiB")
    rows: list[tuple[str, ...]] = [head]
    for path in reports(folder):
        values = json.loads(path.read_text(encoding="utf-8"))
        rows.append((path.stem.partition("-")[2].partition("-")[0], *_row(values)))
    lines = [" | ".join(row) for row in rows]
    lines.insert(1, " | ".join(["---"] * len(rows[0])))
    return "".join(f"| {line} |\n" for line in lines)


def _row(values: dict[str, Any]) -> Sequence[str]:
    head, clip, first = values["machine"], values["clips"][_MAIN], values["first_result"]
    fps = {run["name"]: run["fps"] for run in clip["runs"]}
    return (
        f"{head['processor']}, {head['cores']} cores",
        head.get("folder", "lite"),
        *(f"{fps[name]:.1f}" if name in fps else "" for name in _RUNS),
        f"{fps['pipeline'] / clip['bound_fps']:.2f}",
        f"{first['first_s']:.2f} s",
        f"{first['peak_mib']:.0f}",
    )
