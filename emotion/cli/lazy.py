"""Commands that are loaded when they run: `emotion --help` shows them without their libraries."""

import importlib
from collections.abc import Iterator, MutableMapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from emotion.config import environment_name
from emotion.models.errors import EmotionError
from emotion.models.installing import cannot_be_loaded
from emotion.models.names import expanded
from emotion.models.native.signals import end_in_order

_USE, _LEARN, _MACHINE = "Use", "Make your own models", "This machine"
COMMANDS: dict[str, tuple[str, str]] = {
    "annotate": (_USE, "Annotate videos and photographs: annotated copies, tables, pages and summaries."),
    "live": (
        _USE,
        "Show a camera, a stream or a video in a window with its results, in real time. Key h shows "
        "all keys.",
    ),
    "play": (_USE, "Play a video in a window with its results. Key h shows all keys."),
    "serve": (_USE, "Serve a web page: your camera with the overlay, videos with their timeline."),
    "study": (_USE, "Combine the parts of a study."),
    "info": (_USE, "Show what files contain, and what would be done with them."),
    "models": (_LEARN, "List, check, copy and remove model folders."),
    "learn": (
        _LEARN,
        "Make your own model, with your own classes, from folders of photographs.",
    ),
    "dataset": (
        _LEARN,
        "Make a data set of eyes and lips from labelled photographs and videos, in three parts.",
    ),
    "train": (
        _LEARN,
        "Train the network of the eyes, the lips or the whole face. The same command resumes a run.",
    ),
    "export": (
        _LEARN,
        "Convert a trained network to ONNX, and check on real crops that the predictions agree.",
    ),
    "quantise": (
        _LEARN,
        "Quantise the models of your folder to int8, faster on a CPU, and keep those whose "
        "predictions agree.",
    ),
    "weights": (
        _LEARN,
        "Fit rules of the vote on the validation part, and save the best one in your model folder.",
    ),
    "evaluate": (_LEARN, "Score the models and their vote on labelled faces or videos."),
    "doctor": (
        _MACHINE,
        "Test everything that the program needs on this machine, and say how to repair what does not work.",
    ),
    "cameras": (_MACHINE, "List the cameras of this machine, with their numbers for 'emotion live'."),
    "bench": (_MACHINE, "Measure frame rate, latency and memory on this machine, for each stage."),
    "config": (
        _MACHINE,
        "Show the value of each option, and whether it comes from a file or the environment.",
    ),
}
"""Each command's panel and help text; the command is in the module of the same name."""


class LoadError(Exception):
    """A command cannot be loaded because a library is missing, which is the cause."""


class Commands(MutableMapping[str, Any]):
    """The commands by name, loaded on first use."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            if name not in COMMANDS:
                raise KeyError(name)
            try:
                module = importlib.import_module(f"emotion.cli.{name}")
            except EmotionError:  # has its own advice
                raise
            except Exception as error:
                if not cannot_be_loaded(error):
                    raise
                raise LoadError(name) from error
            command = typer.main.get_command(module.app)
            command.name = name
            _let_environment_say(command)
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class LazyGroup(TyperGroup):
    """The group of all commands; listing them does not load them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A placeholder with the command's name and help; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        panel, said = COMMANDS[cmd_name]
        return TyperCommand(name=cmd_name, help=said, rich_help_panel=panel)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; the error of an invalid option names the origin of its value.

        Raises:
            BadParameter: an option has an invalid value.
        """
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # pydantic's prefix of errors from our checks.
            error.message = error.message.removeprefix("Value error, ") + _where_said(error)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command itself, with option values from configuration files.

        Raises:
            LoadError: a library that it needs is missing.
            OptionError: a configuration file names an unknown option.
        """
        name, stand_in, rest = super().resolve_command(ctx, [*map(_from_home, args)])
        if stand_in is None or name is None:
            return name, stand_in, rest
        command = self.commands[name]
        if not ctx.resilient_parsing and name not in ("config", "doctor"):
            from emotion.cli.console import errors  # noqa: PLC0415
            from emotion.cli.defaults import defaults_of, misspelt_variables  # noqa: PLC0415

            ctx.default_map = {name: defaults_of(name, command)}
            for sentence in misspelt_variables(command):
                errors.print(sentence)
        end_in_order()
        return name, command, rest


def _from_home(argument: str) -> str:
    """Expand ``~/`` in an argument if the shell has not, as in ``--output=~/results``."""
    flag, is_value, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    return flag + is_value + expanded(value)


def _let_environment_say(command: Any) -> None:
    """Environment variables of a command's own options, which are in no group of options."""
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.envvar is None:
            parameter.envvar = environment_name(parameter.name)
    for one in getattr(command, "commands", {}).values():
        _let_environment_say(one)


def _where_said(error: Any) -> str:
    """The origin of a value that is not from the command line; empty if it is, or if unknown."""
    context, parameter = error.ctx, error.param
    if context is not None and parameter is None:
        named = (one for one in context.command.params if error.param_hint in one.opts)
        parameter = next(named, None)
    source = context and parameter and context.get_parameter_source(parameter.name)
    if not source:
        return ""
    if source.name == "ENVIRONMENT":
        return f" (from the environment: {parameter.envvar})"
    return " (from a configuration file: see 'emotion config')" if source.name == "DEFAULT_MAP" else ""
