"""What configuration files say of a command's options, as the command line's library takes it."""

import difflib
import os
from typing import Any

from emotion.config import Setting, read_settings
from emotion.models.errors import OptionError
from emotion.models.options import options_of


def defaults_of(name: str, command: Any) -> dict[str, Any]:
    """The values that files give to options of a command, by the parameter's name.

    Args:
        name: of the command.
        command: what it is for the command line's library.

    Raises:
        OptionError: a file names a command or an option that there is not.
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
        elif setting.command or setting.name not in _known():
            _refuse(setting, parameters)
    return found


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
    """As it would be written on the command line; what it means is for the option to say."""
    if isinstance(value, bool):
        return value
    if parameter.multiple:
        return [str(one) for one in (value if isinstance(value, list) else [value])]
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _known() -> set[str]:
    """What some command has; another one does not have to."""
    from emotion.realtime.options import Options  # noqa: PLC0415
    from emotion.realtime.playback.options import PlayOptions  # noqa: PLC0415

    return {field.name for group in (Options, PlayOptions) for field in options_of(group)} | {"fps", "output"}


def _check_command(setting: Setting) -> None:
    from emotion.cli.lazy import COMMANDS  # noqa: PLC0415

    if setting.command and setting.command not in COMMANDS:
        raise OptionError("", f"{_where(setting)} has [{setting.command}], but there is no such command.")


def _refuse(setting: Setting, parameters: dict[str, Any]) -> None:
    near = difflib.get_close_matches(setting.name, [*parameters, *_known()], n=1, cutoff=0.5)
    hint = f"; {near[0]} is one" if near else ""
    raise OptionError(setting.name, f"{_where(setting)} names {setting.name}, which is no option{hint}.")


def _where(setting: Setting) -> str:
    return os.path.relpath(setting.where)
