"""The outputs of the example notebook: ``python -m docs.run_notebook``.

Runs its cells in this process, without Jupyter, and writes their outputs into it, as Jupyter would: the value
of the last line as text and HTML, and figures as PNG, without the included clip's folder. Needs pandas and
Matplotlib.
"""

import ast
import base64
import io
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from emotion.realtime.sources.demo import DEMO

NOTEBOOK = Path(__file__).parent / "examples" / "fear_over_time.ipynb"
_DOTS_PER_INCH = 80
_PNG = "image/png"


def main() -> None:
    """Write the outputs into the notebook."""
    notebook = run(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook's content with the outputs of its cells, which run in the current folder."""
    mpl.use("agg")
    names: dict[str, Any] = {}
    cells: list[dict[str, Any]] = []
    for cell in notebook["cells"]:
        filled: dict[str, Any] = {}
        if cell["cell_type"] == "code":
            number = 1 + sum("outputs" in one for one in cells)
            filled = {"execution_count": number, "outputs": _outputs("".join(cell["source"]), names, number)}
        cells.append({**cell, **filled})
    return {**notebook, "cells": cells}


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """What a cell shows: the value of its last line, and the figures that it has made."""
    plt.close("all")
    value = _run(source, names)
    shown = []
    if value is not None:
        page = {"text/html": value._repr_html_()} if hasattr(value, "_repr_html_") else {}
        shown.append(
            _output("execute_result", page | {"text/plain": repr(value)}) | {"execution_count": number}
        )
    shown += [_output("display_data", {_PNG: _png(one)}) for one in plt.get_fignums()]
    plt.close("all")
    return shown


def _run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, where that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "notebook", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), names)


def _output(kind: str, data: dict[str, str]) -> dict[str, Any]:
    texts = {name: text.replace(str(DEMO), DEMO.name) for name, text in data.items()}
    lines = {name: text if name == _PNG else text.splitlines(keepends=True) for name, text in texts.items()}
    return {"output_type": kind, "metadata": {}, "data": lines}


def _png(number: int) -> str:
    data = io.BytesIO()
    plt.figure(number).savefig(data, format="png", dpi=_DOTS_PER_INCH)
    return base64.b64encode(data.getvalue()).decode() + "\n"


if __name__ == "__main__":
    main()
