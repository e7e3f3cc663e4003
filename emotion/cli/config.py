"""The command `emotion config`: the settings in effect, and where they come from."""

import os
from collections.abc import Sequence
from dataclasses import MISSING

import typer

from emotion.cli.console import console, errors, shown
from emotion.cli.defaults import defaults_of, misspelt_variables
from emotion.config import Setting, environment_name, project_file, read_settings, user_file
from emotion.models.options import OptionField, options_of
from emotion.realtime.options import Options

app = typer.Typer(add_completion=False)

EXAMPLES = r"""
Examples:

emotion config    what holds in this folder

Options come from the command line, else from the environment (EMOTION_SMOOTH=0.5), else from emotion.toml or
\[tool.emotion] in pyproject.toml in this folder or above, else from the user's emotion.toml, else they have
their defaults.
"""


@app.command(epilog=EXAMPLES)
def config() -> None:
    """Show the value of each option, and whether it comes from a file or the environment."""
    own, project = user_file(), project_file()
    console.print(f"user's file     {shown(own)}{'' if os.path.isfile(own) else ' (none)'}")
    console.print(f"project's file  {shown(project) if project else '(none)'}")
    console.print("")
    settings = read_settings()
    _check(settings)
    for field in options_of(Options):
        if not field.option.expert:
            value, where = _holds(field, settings)
            console.print(f"{field.name:<16} {value:<24} {where}".rstrip())
    for sentence in misspelt_variables():
        errors.print(sentence)
    for setting in settings:
        if setting.command:
            console.print(
                f"{setting.command + '.' + setting.name:<16} {setting.value!s:<24} {shown(setting.where)}"
            )


def _holds(field: OptionField, settings: Sequence[Setting]) -> tuple[str, str]:
    variable = environment_name(field.name)
    if os.environ.get(variable):
        return os.environ[variable], variable
    said = [one for one in settings if one.name == field.name and not one.command]
    if said:
        return str(said[-1].value), shown(said[-1].where)
    return _written(field), "default"


def _written(field: OptionField) -> str:
    default = None if field.default is MISSING else field.default
    if default is None or default == ():
        return "-"
    spelling = field.option.spelling
    if spelling and not spelling.switch:
        return str(spelling.write(default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def _check(settings: Sequence[Setting]) -> None:
    """Report settings that no command has."""
    from emotion.cli.lazy import Commands  # noqa: PLC0415

    commands = Commands()
    for name in dict.fromkeys([*(one.command for one in settings if one.command), "annotate"]):
        if name in commands:
            defaults_of(name, commands[name])
