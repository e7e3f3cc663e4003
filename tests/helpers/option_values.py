"""Values that options may have, how they are written on the command line, and running commands."""

from dataclasses import MISSING
from pathlib import Path

import typer
from typer.testing import CliRunner

from emotion.cli import app as cli
from emotion.models.manifest import ZOO

# Values of what is no plain number, word or switch.
CHOSEN = {
    "size": (320, 240),
    "formats": ("mp4", "vtt"),
    "output": (Path("a.csv"), Path("b.html")),
    "models": ZOO,
    "note": "a note",
    "certain": 0.5,
    "doubtful": 0.2,
    "lead": 0.05,
    "report": Path("report.json"),
    "columns": ("quality", "reason"),
    "regions": ("lips",),
    "by_default": ("lips",),
    "start": 0.04,
    "end": 0.1,
    "every": 0.05,
    "decoder": "auto",
}


def another(one, default=MISSING):
    """A value that an option may have and that is not its default."""
    default = one.default if default is MISSING else default
    if one.name in CHOSEN and not (one.kind is float and isinstance(CHOSEN[one.name], tuple)):
        return CHOSEN[one.name]  # one name may stand for two things in two commands
    if one.choices:
        return next(word for word in one.choices[::-1] if word not in (default, "auto"))
    if one.kind is bool:
        return not default
    if one.kind in (int, float):
        low = next((bound for bound in (one.option.ge, one.option.gt) if bound is not None), 0)
        high = next((bound for bound in (one.option.le, one.option.lt) if bound is not None), low + 100)
        steps = (low + 3, low + (high - low) / 4, low + (high - low) / 3, low + 2, low + 1)
        fit = (one.kind(step) for step in steps)
        return next(value for value in fit if one.option.holds(value) and value != default)
    raise AssertionError(f"say in CHOSEN what else {one.name} may be")


def in_words(one, value):
    """The arguments that give an option this value on the command line."""
    spelling, flags = one.option.spelling, one.option.flags
    flag = flags[0] if flags else f"--{one.name.replace('_', '-')}"
    if spelling and spelling.switch:
        return [flag] if spelling.write(value) else []
    if one.kind is bool:
        return [flag] if value else [flag.replace("--", "--no-", 1)]
    if spelling and spelling.many:
        return [word for text in spelling.write(value) for word in (flag, text)]
    if isinstance(value, tuple) and not spelling:
        return [word for part in value for word in (flag, str(part))]
    text = spelling.write(value) if spelling else str(value)
    return [text] if one.option.positional else [flag, text]


def invoke(*arguments):
    result = CliRunner().invoke(cli.app, [str(word) for word in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def parameters(command):
    """The names of a command's parameters."""
    return {one.name for one in typer.main.get_command(cli.app).commands[command].params}
