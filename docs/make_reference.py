"""Generates the pages of the reference from the code: ``python -m docs.make_reference``.

Commands and options are from the parameters of the command line, columns from their descriptions,
exit codes from the errors, HTTP from the server's own description, and the worked example of the
vote from the included rule. With ``--check`` nothing is written, and the exit code is 1 if a page is out of
date.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from emotion.models.errors import EmotionError

HERE = Path(__file__).parent
MADE = "Generated from the code by `python -m docs.make_reference`; do not edit."
_VOTE = HERE / "explanation" / "vote.md"
_BEGIN, _END = "<!-- made by python -m docs.make_reference: worked example -->\n", "<!-- end -->"


def pages() -> dict[Path, str]:
    """Each generated page, with its text."""
    reference = HERE / "reference"
    return {
        reference / "commands.md": commands(),
        reference / "columns.md": columns(),
        reference / "exit-codes.md": exit_codes(),
        reference / "http.md": http(),
        _VOTE: _replaced(_VOTE.read_text(encoding="utf-8"), example()),
        **dict(cards()),
    }


def _replaced(text: str, made: str) -> str:
    before, _, rest = text.partition(_BEGIN)
    return f"{before}{_BEGIN}{made}{_END}{rest.partition(_END)[2]}"


def cell(text: object) -> str:
    """A text as a table's cell."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").strip()


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(cell(value) for value in line)} |\n" for line in lines)


# Commands


def commands() -> str:
    """Every command with every option."""
    from emotion.cli.lazy import COMMANDS, Commands  # noqa: PLC0415

    loaded = Commands()
    out = [
        "# Commands and options\n",
        MADE,
        "\n`emotion COMMAND --help` shows the same. `emotion --version` shows the version. Options can "
        "also be set in [settings files](../how-to/settings.md). See also "
        "[inputs](inputs.md), [outputs](outputs.md) and [exit codes](exit-codes.md).\n",
        table(
            ["command", ""],
            ([f"[`emotion {name}`](#emotion-{name})", said] for name, (_, said) in COMMANDS.items()),
        ),
    ]
    for name in COMMANDS:
        out += _command(f"emotion {name}", loaded[name], "##")
    return "\n".join(out)


def _command(name: str, command: Any, level: str) -> Iterator[str]:
    yield f"{level} {name}\n"
    yield re.sub(r"\s+", " ", command.help or "").strip() + "\n"
    inner = getattr(command, "commands", {})
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not _general(one)]
    if arguments:
        yield table(["argument", "meaning"], ([f"`{_metavar(one)}`", _said(one)] for one in arguments))
    panels: dict[str, list[Any]] = {}
    for one in options:
        panels.setdefault(getattr(one, "rich_help_panel", None) or "Options", []).append(one)
    for panel, found in panels.items():
        yield f"**{panel}**\n"
        yield table(
            ["option", "default", "meaning"], ([_flags(one), _default(one), _said(one)] for one in found)
        )
    for sub in inner:
        yield from _command(f"{name} {sub}", inner[sub], level + "#")


def _general(one: Any) -> bool:
    """Whether every command has it."""
    return one.name in ("help", "install_completion", "show_completion")


def _metavar(one: Any) -> str:
    return str(one.metavar or _choices(one.type_descriptor.annotation) or one.name.upper())


def _choices(kind: Any) -> str:
    return "|".join(map(str, get_args(kind))) if get_origin(kind) is Literal else ""


def _flags(one: Any) -> str:
    names = ", ".join(f"`{flag}`" for flag in (*one.opts, *one.secondary_opts))
    value = "" if one.is_flag else f" `{_value(one)}`"
    return names + value


def _value(one: Any) -> str:
    kind = one.type_descriptor.annotation
    parts = [part for part in get_args(kind) if part is not type(None)]
    if get_origin(kind) in (Union, UnionType, list) and len(parts) == 1:
        kind = parts[0]
    return one.metavar or _choices(kind) or _WORDS.get(kind, "VALUE")


_HEAD = ["column", "type", "unit", "range", "meaning"]
_WORDS = {int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH"}


def _default(one: Any) -> str:
    value = one.default
    if callable(value) or value is None or value is False or value in ("", (), []):
        return ""
    if value is True:
        return "on"
    if str(value) == sys.executable:
        return "this Python"
    if isinstance(value, list | tuple):
        return ", ".join(f"`{part}`" for part in value)
    return f"`{value}`"


def _said(one: Any) -> str:
    said = (one.help or "").replace(r"\[", "[")
    bounds = [f"at least {one.min:.10g}"] if one.min is not None else []
    bounds += [f"at most {one.max:.10g}"] if one.max is not None else []
    return said + (f" ({', '.join(bounds)})" if bounds else "")


# Columns


def columns() -> str:
    """Every column of every table."""
    from emotion.models.manifest import LITE, read_schema  # noqa: PLC0415
    from emotion.realtime.sinks.columns import PHOTOGRAPH_COLUMNS, Columns, description  # noqa: PLC0415

    schema = read_schema(LITE)
    classes = schema.classes.names

    def rows(names: Iterable[str]) -> list[list[str]]:
        described = ((name, description(name)) for name in names)
        return _grouped(
            [[name, one.kind, one.unit, one.bounds, one.meaning] for name, one in described], classes
        )

    live = Columns(schema, live=True)
    out = [
        "# Columns\n",
        MADE,
        "\nAn empty cell means *not known*; it is never 0. `CLASS` stands for each class: happiness, "
        "sadness, fear, anger, neutral and surprise, in this order, or "
        "the classes of your model. In Parquet numbers have their types, and `utc` is a timestamp.\n",
        "## Timelines: one row per face and frame\n",
        "In CSV and Parquet, and as fields in JSON Lines. A frame without faces has one row with empty face "
        "columns. "
        f"Photographs have {', '.join(f'`{name}`' for name in PHOTOGRAPH_COLUMNS)} in place of `frame`, "
        f"`pts` and "
        "`seconds`, and no `since`. `utc` is only there for live sources.\n",
        table(_HEAD, rows(live.all)),
        "## Additional columns: `--columns`\n",
    ]
    parts = (*out, *_additional_columns(), "## Tables of many videos\n", *_study_columns(classes))
    return "\n".join(part for part in parts if part)


def _additional_columns() -> Iterator[str]:
    """Those of each value of `--columns`."""
    from emotion.realtime.details import DETAILS, detail_columns  # noqa: PLC0415
    from emotion.realtime.sinks.columns import description  # noqa: PLC0415

    for detail in DETAILS:
        names = list(detail_columns((detail,))) or [detail]
        note = ""
        if detail == "blendshapes":
            names, more = names[:3], len(names) - 3
            note = f"... and {more} more, named as in ARKit; `_neutral` of MediaPipe replaces `tongueOut`.\n"
        elif detail == "pose":
            note = (
                "For it MediaPipe itself finds the faces (`--landmarks auto`), so that all other columns "
                "change a little, too: request it for all videos that are compared, or for none.\n"
            )
        described = ((f"`{name}`", description(name)) for name in names)
        lines = [[name, one.kind, one.unit, one.bounds, one.meaning] for name, one in described]
        yield from (f"`--columns {detail}`\n", table(_HEAD, lines), note)


def _study_columns(classes: tuple[str, ...]) -> Iterator[str]:
    """Those of each table of a study."""
    from emotion.study import columns as study  # noqa: PLC0415
    from emotion.study.metadata import Metadata  # noqa: PLC0415

    tables = {
        "videos.csv": study.video_columns(classes, Metadata()),
        "people.csv": study.person_columns(classes, Metadata()),
        "course.csv": study.course_columns(classes),
        "columns.csv": study.column_columns(),
    }
    for name, found in tables.items():
        lines = [[one.name, one.kind, one.unit, one.bounds, one.meaning] for one in found]
        yield from (f"### {name}\n", table(_HEAD, _grouped(lines, classes)))


def _grouped(rows: list[list[str]], classes: tuple[str, ...]) -> list[list[str]]:
    """One row for the columns that differ by their class alone, as ``mean_CLASS``."""
    out: list[list[str]] = []
    for name, *rest, meaning in rows:
        its = next((one for one in classes if re.search(rf"(?<![a-z]){one}(?![a-z])", name)), "CLASS")
        shown, said = (re.sub(rf"(?<![a-z]){its}(?![a-z])", "CLASS", text) for text in (name, meaning))
        row = [f"`{shown}`", *rest, said]
        if row not in out:
            out.append(row)
    return out


# Exit codes


def exit_codes() -> str:
    """The codes, and the errors behind them."""
    import emotion  # noqa: PLC0415
    import emotion.cluster.errors  # noqa: PLC0415  they are known only then
    import emotion.realtime.errors  # noqa: PLC0415

    meanings = {
        0: "success, also if no face was found",
        1: "a target of `emotion bench --soak` was missed, or another error",
        2: "wrong usage: an option, an argument, or an attempt to change the included models",
        3: "an input that cannot be used, completely or in part; also a source that was lost",
        4: "a model that cannot be used",
        5: "a missing library, provider, screen or cluster",
        6: "a result that cannot be written, or that would replace an existing file",
        129: "stopped because the terminal was closed (SIGHUP)",
        130: "stopped by Ctrl-C",
        143: "stopped by SIGTERM, for example at a time limit",
    }
    found = sorted(_subclasses(EmotionError), key=lambda kind: (kind.exit_code, kind.__name__))
    public = set(emotion.__all__)
    lines = (
        [
            f"`{'emotion.' if kind.__name__ in public else ''}{kind.__name__}`",
            kind.exit_code,
            (kind.__doc__ or "").partition("\n")[0],
        ]
        for kind in found
    )
    return "\n".join(
        [
            "# Exit codes and errors\n",
            MADE,
            "\nIf one of several files fails, the others are still analysed, and the code is that of the "
            "first failure.\n",
            table(["code", "meaning"], meanings.items()),
            "## Errors in Python\n",
            "All derive from `emotion.EmotionError`, and each also from the built-in error of its kind. The "
            "message says what to do.\n",
            table(["error", "exit code", "meaning"], lines),
        ]
    )


def _subclasses(kind: type[EmotionError]) -> set[type[EmotionError]]:
    # Errors of a package exist only if the package was imported.
    own = {one for one in kind.__subclasses__() if one.__module__.rpartition(".")[2] == "errors"}
    return {kind} | {more for one in own for more in _subclasses(one)}


# HTTP


def http() -> str:
    """Every request of the server, from its own description."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from emotion.realtime.session import Models  # noqa: PLC0415
    from emotion.web.http.app import make_app  # noqa: PLC0415
    from emotion.web.options import ServeOptions  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        described = make_app(ServeOptions(folder=Path(folder)), Models.load(provider="cpu")).openapi()
    out = [
        "# HTTP\n",
        MADE,
        "\nThe server describes its interface at `/api/openapi.json`, with the schemas of all responses. The "
        "body of a request is the "
        "file itself. Options are query parameters with the names and units of the command line. "
        "With a token, send "
        "`Authorization: Bearer TOKEN`. Errors have a `detail` that says what to do, and `Retry-After` "
        "if waiting "
        "helps. [How to send files](../how-to/http-api.md).\n",
    ]
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            out += [f"## {method.upper()} {path}\n", _sentence(one), ""]
            given = one.get("parameters", [])
            if given:
                out.append(
                    table(["parameter", "in", "meaning"], (_parameter(parameter) for parameter in given))
                )
    return "\n".join(out).rstrip() + "\n"


def _sentence(one: dict[str, Any]) -> str:
    said = re.sub(r"\s+", " ", one.get("description") or one.get("summary", "")).strip()
    responses = ", ".join(code for code in one.get("responses", {}) if code.isdigit())
    return f"{said} Responses: {responses}."


def _parameter(one: dict[str, Any]) -> list[str]:
    schema = one.get("schema", {})
    bounds = [f"{word} {schema[key]:.10g}" for key, word in _BOUNDS.items() if key in schema]
    said = one.get("description", "") + (f" ({', '.join(bounds)})" if bounds else "")
    return [f"`{one['name']}`", one["in"], said]


_BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}


# The heads of the models' cards


def cards() -> Iterator[tuple[Path, str]]:
    """The cards of the models that ship, with the head that hubs read: licence, task, scores."""
    from emotion.models.manifest import LITE, ZOO  # noqa: PLC0415
    from emotion.models.small_files import read_json  # noqa: PLC0415

    for name, folder in (("lite", LITE), ("standard", ZOO)):
        path = folder / "MODEL_CARD.md"
        text = re.sub(r"\A---\n.*?\n---\n+", "", path.read_text(encoding="utf-8"), flags=re.S)
        results = "".join(
            RESULT.format(name=set_, accuracy=scores["accuracy"], balanced=scores["balanced_accuracy"])
            for set_, scores in read_json(folder / "weights.json")["scores"].items()
        )
        yield path, CARD.format(name=name, results=results) + text


CARD = """\
---
license: other
license_name: research-only
library_name: onnx
pipeline_tag: image-classification
tags:
- facial-expression-recognition
- onnx
model-index:
- name: emotion-live {name}
  results:
{results}---

"""
RESULT = """\
  - task:
      type: image-classification
      name: apparent facial expression, six classes
    dataset:
      type: other
      name: {name}
    metrics:
    - type: accuracy
      name: accuracy of the vote
      value: {accuracy:.4f}
    - type: accuracy
      name: balanced accuracy of the vote
      value: {balanced:.4f}
"""


# The worked example of the vote

EXAMPLE = {
    "eyes": (0.30, 0.20, 0.10, 0.10, 0.20, 0.10),
    "lips": (0.60, 0.05, 0.05, 0.05, 0.20, 0.05),
    "blendshapes": (0.50, 0.10, 0.05, 0.05, 0.25, 0.05),
}
"""The three predictions for an invented face, in the order of the included classes."""


def example() -> str:
    """The included rule, and its result for `EXAMPLE`, step by step."""
    import math  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    from emotion.models.manifest import DEFAULT  # noqa: PLC0415
    from emotion.models.voting.vote import LogLinear, VoteWeights  # noqa: PLC0415

    weights = VoteWeights.read(DEFAULT)
    rule, names = weights.rule, weights.classes.names
    if not isinstance(rule, LogLinear) or rule.prediction_count != len(EXAMPLE):
        raise SystemExit("The rule that ships is no product of three terms: write explanation/vote.md anew.")
    count = len(names)
    exponents = rule.coefficients.reshape(len(EXAMPLE), count, count)
    if any(np.count_nonzero(part - np.diag(np.diag(part))) for part in exponents):
        raise SystemExit("The rule that ships mixes expressions: write explanation/vote.md anew.")
    own = np.array([np.diag(part) for part in exponents])
    said = np.array(list(EXAMPLE.values()), np.float32)
    logs = rule.bias + (own * np.log(said)).sum(axis=0)
    scores = [math.exp(value) for value in logs]
    vote = weights.rule(said[:, None])[0]
    head = ["", *names]
    rows = [
        [f"exponent of the {name}", *(f"{value:.2f}" for value in row)]
        for name, row in zip(EXAMPLE, own, strict=True)
    ]
    rows.append(["b", *(f"{value:.2f}" for value in rule.bias)])
    steps = [
        [f"prediction of the {name}", *(f"{value:.2f}" for value in row)] for name, row in EXAMPLE.items()
    ]
    steps += [
        ["score", *(f"{value:.3f}" for value in scores)],
        ["**vote**", *(f"**{value:.1%}**" for value in vote)],
    ]
    first = " · ".join(f"{said[i][0]:.2f}^{own[i][0]:.2f}" for i in range(len(EXAMPLE)))
    return "\n".join(
        [
            "## The included rule (`lite`)\n",
            table(head, rows),
            "## A worked example\n",
            table(head, steps),
            f"For {names[0]}: exp({rule.bias[0]:.2f}) · {first} = {scores[0]:.3f}. The sum of all scores "
            f"is {sum(scores):.3f}, "
            f"so the vote is {scores[0]:.3f} / {sum(scores):.3f} = {vote[0]:.1%}. (The table's numbers "
            f"are rounded; a test "
            "computes the example with the code that votes.)\n\n",
        ]
    )


def out_of_date() -> list[Path]:
    """The pages that differ from the generated text."""
    return [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        old = out_of_date()
        print(*old, sep="\n")
        raise SystemExit(1 if old else 0)
    for page, made in pages().items():
        page.write_text(made, encoding="utf-8")
        print(page.relative_to(HERE.parent))
