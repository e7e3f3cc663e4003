"""Option values from configuration files and the environment, in the form of the command line's library."""

import difflib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from emotion.config import PREFIX, Setting, environment_name, read_settings
from emotion.models.errors import OptionError
from emotion.models.names import expanded
from emotion.models.options import options_of


def defaults_of(name: str, command: Any) -> dict[str, Any]:
    """The values that files give to options of a command, by the parameter's name.

    Args:
        name: of the command.
        command: of the command line's library.

    Raises:
        OptionError: a file names an unknown command or option.
    """
    parameters = _parameters(command)
    found: dict[str, Any] = {}
    for setting in read_settings():
        _check_command(setting)
        if setting.command not in ("", name):
            continue
        parameter = parameters.get(setting.name)
        if parameter is not None:
            found[parameter.name] = _value(setting.value, parameter)
        elif setting.command or not _is_known(setting.name):
            _refuse(setting, parameters)
    return found


def misspelt_variables(command: Any = None) -> list[str]:
    """A message for each environment variable with the prefix that is not an option.

    Args:
        command: a known command, checked first; optional, but faster.
    """
    known = {one.envvar for one in _options_below(command)} if command is not None else set()
    wrong = [one for one in sorted(os.environ) if one.startswith(PREFIX) and one not in known]
    wrong = [one for one in wrong if not _is_known(one.removeprefix(PREFIX).lower())]
    names = {environment_name(name) for name in _known_anywhere()} if wrong else set()
    return [f"{one} in the environment is no option and does nothing{_hint(one, names)}." for one in wrong]


def _parameters(command: Any) -> dict[str, Any]:
    """A command's options by their names, and by the words of their flags."""
    found: dict[str, Any] = {}
    for parameter in command.params:
        if parameter.param_type_name == "option":
            for flag in parameter.opts:
                found.setdefault(flag.lstrip("-").replace("-", "_"), parameter)
            found[parameter.name] = parameter
    return found


def _value(value: Any, parameter: Any) -> Any:
    """The value as text for the command line, which the option parses."""
    if isinstance(value, bool):
        return value
    if parameter.multiple:
        return [expanded(str(one)) for one in (value if isinstance(value, list) else [value])]
    return ",".join(map(str, value)) if isinstance(value, list) else expanded(str(value))


def _is_known(name: str) -> bool:
    """Whether some command has an option; another one does not have to."""
    return name in _known() or name in _known_anywhere()


def _known_anywhere() -> set[str]:
    """The options of all commands, which are loaded for it: seldom needed."""
    from emotion.cli.lazy import Commands, LoadError  # noqa: PLC0415

    commands, found = Commands(), set[str]()
    for name in commands:
        with suppress(LoadError):  # of a library that is missing: its options are not known
            found |= {one.name for one in _options_below(commands[name])}
    return found


def _options_below(command: Any) -> Iterator[Any]:
    """The options of a command and of its subcommands."""
    yield from (one for one in command.params if one.param_type_name == "option")
    for one in getattr(command, "commands", {}).values():
        yield from _options_below(one)


def _known() -> set[str]:
    """What most commands have, without loading any."""
    from emotion.realtime.options import Options  # noqa: PLC0415
    from emotion.realtime.playback.options import PlayOptions  # noqa: PLC0415

    return {field.name for group in (Options, PlayOptions) for field in options_of(group)} | {"fps", "output"}


def _check_command(setting: Setting) -> None:
    from emotion.cli.lazy import COMMANDS  # noqa: PLC0415

    if setting.command and setting.command not in COMMANDS:
        hint = _hint(setting.command, COMMANDS)
        raise OptionError(
            "", f"{_where(setting)} has [{setting.command}], but there is no such command{hint}."
        )


def _refuse(setting: Setting, parameters: dict[str, Any]) -> None:
    hint = _hint(setting.name, [*parameters, *_known()])
    raise OptionError(setting.name, f"{_where(setting)} names {setting.name}, which is no option{hint}.")


def _hint(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; {near[0]} is one" if near else ""


def _where(setting: Setting) -> str:
    return os.path.relpath(setting.where)
