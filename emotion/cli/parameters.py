"""Parameters of a command, generated from the options that it takes.

::

    @app.command()
    @with_options
    def play(video: Path, *, options: Annotated[Options, Without("live", "outputs")]) -> None: ...

gives `play` a flag for each option of each group of `Options` but two, with help, bounds and default from
the dataclasses, and calls it with an `Options` of what was given.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, is_dataclass
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

import typer

from emotion.config import environment_name
from emotion.models.options import Only, OptionField, Spelling, Without, from_mapping

# The order in help: frequently used groups first. A command's own groups come before these.
_PANELS = ("Input", "Live", "Results", "Faces", "Vote", "Models", "Pictures", "Network", "Many videos")

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Taken:
    """A parameter of a command that is a group of options."""

    group: type
    offer: Only
    fields: list[OptionField] = field(default_factory=list)

    def made_of(self, given: dict[str, Any]) -> Any:
        """The group, of the values given on the command line; they are taken out of the dict."""
        values = {one.name: _value(one, given.pop(one.name)) for one in self.fields}
        try:
            return from_mapping(self.group, values)
        except ValueError as error:  # conflicting values, or out of bounds
            flags = {one.name: _flags(one, self.offer.defaults)[0].split("/")[0] for one in self.fields}
            raise typer.BadParameter(str(error), param_hint=flags.get(getattr(error, "name", ""))) from error


def with_options(command: Callable[P, R]) -> Callable[..., R]:
    """Replace each parameter of a command that is a group of options by its options.

    A group's parameter is annotated by its dataclass, or by ``Annotated`` with an `Only` or `Without`.

    Raises:
        TypeError: two options of the command have the same name.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    taken: dict[str, _Taken] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        group = _group(hints[name])
        if group is None:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        taken[name] = group
        parameters.extend(_parameter(one, group.offer.defaults) for one in group.fields)
    names = [parameter.name for parameter in parameters]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise TypeError(f"{command.__name__} has two options named {twice!r}")

    @wraps(command)
    def run(**given: Any) -> R:
        groups = {name: group.made_of(given) for name, group in taken.items()}
        return command(**given, **groups)  # type: ignore[call-arg]

    parameters.sort(key=_place)
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _place(parameter: inspect.Parameter) -> int:
    """The position of a parameter's group in help."""
    (info,) = getattr(parameter.annotation, "__metadata__", (None,))[:1]
    panel = getattr(info, "rich_help_panel", None)
    return _PANELS.index(panel) + 1 if panel in _PANELS else 0


def _group(hint: Any) -> _Taken | None:
    kind, *said = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if not is_dataclass(kind) or not isinstance(kind, type):
        return None
    offer = next((one for one in said if isinstance(one, Only)), Without())
    return _Taken(kind, offer, offer.chosen(kind))


def _parameter(one: OptionField, defaults: Mapping[str, Any]) -> inspect.Parameter:
    """Typer's definition of a flag or argument."""
    option = one.option
    default = defaults.get(one.name, one.default)
    spelling = option.spelling
    number = one.kind in (int, float) and not spelling
    said: dict[str, Any] = {
        # Help has Rich's markup, as which text in brackets would be interpreted.
        "help": option.help.replace("[", r"\["),
        "metavar": option.metavar or (option.unit.upper() if number and option.unit else None),
        "parser": _parser(spelling) if spelling and not (spelling.many or spelling.switch) else None,
        "min": option.ge if number else None,
        "max": option.le if number else None,
        "rich_help_panel": one.title or None,
    }
    if option.positional:
        info = typer.Argument(**said)
    else:
        said |= {"envvar": environment_name(one.name), "show_envvar": False}
        info = typer.Option(*_flags(one, defaults), **said)
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else _written(one, default),
        annotation=Annotated[_kind(one), info],
    )


def _kind(one: OptionField) -> Any:
    spelling = one.option.spelling
    if spelling and spelling.switch:
        return bool
    if spelling and spelling.many:
        return list[str] | None
    if spelling:
        return str | None if one.optional else str
    if get_origin(one.kind) is tuple:
        return list[get_args(one.kind)[0]] | None  # type: ignore[misc]  # a type of this very option
    return one.kind | None if one.optional else one.kind


def _flags(one: OptionField, defaults: Mapping[str, Any]) -> tuple[str, ...]:
    if one.option.flags or one.option.positional:
        return one.option.flags or (one.name,)
    name = one.name.replace("_", "-")
    on = one.kind is bool and defaults.get(one.name, one.default)
    return (f"--{name}/--no-{name}",) if on else (f"--{name}",)


def _parser(spelling: Spelling) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return spelling.read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return parse


def _written(one: OptionField, default: Any) -> Any:
    """A default as it is shown and parsed: a path with a name, by its name."""
    spelling = one.option.spelling
    if spelling and default is not None:
        return spelling.write(default) or None if spelling.many else spelling.write(default)
    return None if default == () else default


def _value(one: OptionField, given: Any) -> Any:
    """Typer's value, converted to the option's type."""
    spelling = one.option.spelling
    try:
        if spelling and spelling.switch:
            return spelling.read(given)
        if spelling and spelling.many:
            return spelling.read(given or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=_flags(one, {})[0]) from error
    return tuple(given or ()) if get_origin(one.kind) is tuple and not spelling else given
