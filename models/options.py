"""The definition of an option: its help, unit and bounds, at the dataclass field that holds it.

::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class FaceOptions:
        TITLE: ClassVar[str] = "Faces"
        max_faces: Annotated[int, Option(help="The most faces in a picture.", ge=1, le=20)] = 6

        def __post_init__(self) -> None:
            check(self)

Such a dataclass is a group. A group may hold other groups; `options_of` lists all options in it. The command
line, the HTTP interface and its documentation, Python's keywords and `from_mapping` are generated from that
list, so that an option is added in one place. The module imports only the errors.
"""

import difflib
import math
import numbers
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from emotion.models.errors import OptionError

Group = TypeVar("Group")

LARGEST = {"": 2**31 - 1, "seconds": 4e6, "minutes": 6e4, "hours": 1e6, "bytes": 2**63 - 1}
"""The largest number by unit, for options without an upper bound; waits are at most 46 days."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How an option is written as text, if its value is not a plain number, word or path.

    Attributes:
        read: converts a text to the value; raises ValueError for other texts.
        write: converts a value to its text.
        many: the text is a list, with one item for each time the option is given.
        switch: the text is a bool: whether the option is given.
    """

    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = str
    many: bool = False
    switch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """The annotation of an option's field.

    Attributes:
        help: a sentence, without the unit and the bounds.
        unit: of its numbers.
        ge, gt, le, lt: bounds of its numbers, also of each number in a tuple. Without an upper bound
            `LARGEST` applies, so that no clock, array or library overflows.
        metavar: the placeholder of the value in help; by default the unit or the type.
        flags: on the command line; by default made from the field's name.
        positional: on the command line it is an argument without a flag.
        expert: in Python only; neither the command line nor the HTTP interface has it.
        spelling: see `Spelling`.
    """

    help: str
    unit: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    metavar: str = ""
    flags: tuple[str, ...] = ()
    positional: bool = False
    expert: bool = False
    spelling: Spelling | None = None

    @property
    def bounds(self) -> str:
        """In words, for example ``at least 1 and at most 20``; empty where there are none."""
        words = {"at least": self.ge, "more than": self.gt, "at most": self.le, "less than": self.lt}
        return " and ".join(f"{word} {bound:.12g}" for word, bound in words.items() if bound is not None)

    @property
    def largest(self) -> float:
        """The largest number if there is no upper bound; depends on the unit."""
        return LARGEST.get(self.unit, LARGEST[""])

    def holds(self, number: float) -> bool:
        """Whether a number lies within the bounds."""
        low = [number >= bound for bound in (self.ge,) if bound is not None]
        low += [number > bound for bound in (self.gt,) if bound is not None]
        high = [number <= bound for bound in (self.le,) if bound is not None]
        high += [number < bound for bound in (self.lt,) if bound is not None]
        # Comparisons with NaN are false, so that it is never within the bounds.
        return all(low or [number >= -self.largest]) and all(high or [number <= self.largest])


@dataclass(frozen=True, slots=True)
class OptionField:
    """An option with its field.

    Attributes:
        name: of the field; unique among all options of the outermost group.
        path: names of the fields from the outermost group to the option's group.
        title: of its group, for headings.
        option: its annotation.
        kind: the type of its values, apart from None.
        optional: whether None is allowed.
        default: `MISSING` if there is none.
    """

    name: str
    path: tuple[str, ...]
    title: str
    option: Option
    kind: Any
    optional: bool
    default: Any

    @property
    def choices(self) -> tuple[str, ...]:
        """The words of a Literal; empty for other types."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def several(self) -> tuple[str, ...]:
        """The words of a tuple of a Literal; empty for other types."""
        kinds = get_args(self.kind) if get_origin(self.kind) is tuple else ()
        return get_args(kinds[0]) if kinds and get_origin(kinds[0]) is Literal else ()

    def value(self, group: Any) -> Any:
        """Its value in an instance of the outermost group."""
        for name in self.path:
            group = getattr(group, name)
        return getattr(group, self.name)

    def check(self, value: Any) -> None:
        """Check the type and the bounds of a value, and that it is finite.

        Raises:
            OptionError: it names the option and what it may be.
        """
        if value is None and self.optional:
            return
        if not _fits(self.kind, value):
            raise OptionError(self.name, f"{self.name} is {self._expected()}, not {value!r}.")
        for number in _numbers(value):
            if not _is_finite(number):
                raise OptionError(self.name, f"{self.name} is a finite number, not {number!r}.")
            if not self.option.holds(number):
                of = f" {self.option.unit}" if self.option.unit else ""
                bounds = self.option.bounds
                if abs(number) > self.option.largest:
                    bounds = f"at most {self.option.largest:g}"
                raise OptionError(self.name, f"{self.name} is {bounds}{of}, not {_short(number)}.")

    def _expected(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.several:
            return f"some of {', '.join(self.several)}"
        name = (
            self.kind.__name__ if isinstance(self.kind, type) and not get_args(self.kind) else str(self.kind)
        )
        return f"{name}{' or None' if self.optional else ''}"


def read_names(text: str) -> tuple[str, ...]:
    """Comma-separated names, in lower case."""
    return tuple(name for part in text.split(",") if (name := part.strip().lower()))


def read_duration(text: str) -> float:
    """A length of time such as ``3s``, ``3`` or ``1500ms``, in seconds.

    Raises:
        ValueError: the text is not a length of time, or it is negative.
    """
    written = re.fullmatch(r"\s*([\d.]+)\s*(ms|s)?\s*", str(text).lower())
    try:
        seconds = float(written[1]) * (0.001 if written[2] == "ms" else 1.0) if written else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{text!r} is no length of time; write it as 3s")
    return seconds


DURATION = Spelling(read_duration, "{:g}".format)
"""A length of time, with or without its unit."""


def check(group: Any) -> None:
    """Check each option of a group; to be called in its ``__post_init__``.

    Raises:
        OptionError: a value is of another type, is not finite, or is out of bounds.
    """
    for field in options_of(type(group)):
        if not field.path:
            value = getattr(group, field.name)
            field.check(value)
            if isinstance(value, float) and value == 0:  # -0.0, too, which would be printed as -0
                object.__setattr__(group, field.name, 0.0)


def options_of(group: type) -> tuple[OptionField, ...]:
    """All options of a group and of the groups in it, in the order of their fields.

    Raises:
        TypeError: two have the same name, or a field has no annotation.
    """
    return _listed(group)[0]


def groups_of(group: type) -> Mapping[str, Any]:
    """The groups in a group, by the names of their fields."""
    return _listed(group)[1]


@cache
def _listed(group: Any) -> tuple[tuple[OptionField, ...], Mapping[str, Any]]:
    hints = get_type_hints(group, include_extras=True)
    groups = {field.name: hints[field.name] for field in fields(group) if is_dataclass(hints[field.name])}
    found = tuple(_walk(group, groups, hints))
    names = [field.name for field in found] + list(groups)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise TypeError(f"{group.__name__} has two options named {twice!r}")
    return found, groups


class Only:
    """A selection of a group's options: those that are named, and defaults that differ.

    Args:
        names: of options, or of groups in the group.
        defaults: by the option's name.
    """

    def __init__(self, *names: str, **defaults: Any) -> None:
        self._names = set(names)
        self.defaults = defaults

    def chosen(self, group: type, *, experts: bool = False) -> list[OptionField]:
        """The selected options, in the order of the group.

        Args:
            group: the dataclass.
            experts: include those for experts, see `Option`; otherwise only if they are named.

        Raises:
            TypeError: a name is not in the group.
        """
        known = {field.name for field in options_of(group)} | set(groups_of(group))
        if unknown := (self._names | set(self.defaults)) - known:
            raise TypeError(f"{group.__name__} has no {', '.join(sorted(unknown))}")
        return [field for field in options_of(group) if self._offers(field, experts)]

    def _offers(self, field: OptionField, experts: bool) -> bool:
        if field.option.expert and not experts:
            return field.name in self._names
        return not self._names.isdisjoint((field.name, *field.path))


class Without(Only):
    """The opposite selection: all options except those that are named."""

    def _offers(self, field: OptionField, experts: bool) -> bool:
        return self._names.isdisjoint((field.name, *field.path)) and (experts or not field.option.expert)


def to_mapping(group: Any) -> dict[str, Any]:
    """A group as plain values for JSON: a dict for each group in it, absolute paths.

    `from_mapping` is the inverse.
    """
    return {field.name: _plain(getattr(group, field.name)) for field in fields(group)}


def from_mapping(group: type[Group], values: Mapping[str, Any]) -> Group:
    """A group from plain values, as in JSON, a configuration file or keywords.

    Args:
        group: the dataclass.
        values: options by name, also within groups by name; others have their defaults.

    Raises:
        OptionError: a name is not known, one is given twice, or a value is not allowed.
    """
    groups = groups_of(group)
    known = {field.name: field for field in options_of(group)}
    sorted_in: dict[str, dict[str, Any]] = {name: {} for name in groups}
    own: dict[str, Any] = {}
    for name, value in values.items():
        if name in groups and isinstance(value, Mapping | groups[name]):
            _merge(sorted_in[name], value if isinstance(value, Mapping) else to_mapping(value))
        elif name not in known:
            raise OptionError(name, unknown_option(name, [*known, *groups]))
        elif known[name].path:
            _merge(sorted_in[known[name].path[0]], {name: value})
        else:
            own[name] = _from_plain(known[name], value)
    inner: dict[str, Any] = {
        name: from_mapping(groups[name], chosen) for name, chosen in sorted_in.items() if chosen
    }
    missing = [name for name, field in known.items() if not field.path and field.default is MISSING]
    if absent := next((name for name in missing if name not in own), None):
        raise OptionError(absent, f"{absent} is missing.")
    return group(**own, **inner)


def with_values(group: Group, values: Mapping[str, Any]) -> Group:
    """A copy of a group with other values of some options.

    Args:
        group: an instance.
        values: options by name, as in `from_mapping`.

    Raises:
        OptionError: as `from_mapping`.
    """
    known = {field.name: field for field in options_of(type(group))}
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if name not in known:
            raise OptionError(name, unknown_option(name, list(known)))
        if known[name].path:
            inner.setdefault(known[name].path[0], {})[name] = value
        else:
            own[name] = _from_plain(known[name], value)
    groups = {name: with_values(getattr(group, name), chosen) for name, chosen in inner.items()}
    return replace(group, **own, **groups)  # type: ignore[type-var]  # a group is a dataclass


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    if twice := next((name for name in values if name in into), None):
        raise OptionError(twice, f"{twice} is given twice.")
    into.update(values)


def unknown_option(name: str, known: Sequence[str]) -> str:
    """The message for an unknown option name, with the most similar known one."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no option" + (f"; {near[0]} is one." if near else f": choose of {', '.join(known)}.")


def _walk(group: Any, groups: Mapping[str, Any], hints: Mapping[str, Any]) -> Iterator[OptionField]:
    for field in fields(group):
        if field.name in groups:
            for found in options_of(groups[field.name]):
                yield replace(found, path=(field.name, *found.path))
            continue
        hint = hints[field.name]
        option = next((part for part in get_args(hint)[1:] if isinstance(part, Option)), None)
        if get_origin(hint) is not Annotated or option is None:
            raise TypeError(f"{group.__name__}.{field.name} says nothing of itself: annotate it with Option")
        kind, optional = _without_none(get_args(hint)[0])
        default = field.default if field.default_factory is MISSING else field.default_factory()
        yield OptionField(field.name, (), getattr(group, "TITLE", ""), option, kind, optional, default)


def _without_none(kind: Any) -> tuple[Any, bool]:
    if get_origin(kind) not in (Union, types.UnionType):
        return kind, False
    parts = [part for part in get_args(kind) if part is not type(None)]
    return (parts[0] if len(parts) == 1 else Union[tuple(parts)]), len(parts) < len(get_args(kind))  # noqa: UP007


def _fits(kind: Any, value: Any) -> bool:
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if origin is Union:
        return any(_fits(part, value) for part in get_args(kind))
    if origin is tuple:
        return isinstance(value, tuple) and _each_fits(get_args(kind), value)
    if kind in (int, float):
        return _is_number(value, numbers.Integral if kind is int else numbers.Real)
    return isinstance(value, origin or kind)


def _each_fits(kinds: tuple[Any, ...], values: tuple[Any, ...]) -> bool:
    if kinds[-1] is Ellipsis:
        return all(_fits(kinds[0], value) for value in values)
    return len(kinds) == len(values) and all(map(_fits, kinds, values))


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number of hundreds of digits
        return True


def _short(number: float) -> str:
    """A number as it was given, shortened if it is very long."""
    return repr(number) if abs(number) < 1e20 else "a far larger number"


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)  # True is an int to Python


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    elif _is_number(value, numbers.Real):
        yield value


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return to_mapping(value)
    if isinstance(value, Path):
        return str(value.absolute())  # the reader may have another working folder
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


def _from_plain(field: OptionField, value: Any) -> Any:
    """A JSON value converted to the field's type; one that does not fit is left for the check to report."""
    spelling = field.option.spelling
    if isinstance(value, str) and spelling and not spelling.switch:
        try:
            return spelling.read([value] if spelling.many else value)
        except ValueError as error:
            raise OptionError(field.name, f"{field.name}: {error}") from error
    return _converted(field.kind, value)


def _converted(kind: Any, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    if get_origin(kind) is tuple and isinstance(value, list | tuple):
        kinds = get_args(kind)
        each = (kinds[0],) * len(value) if kinds[-1] is Ellipsis else kinds
        if len(each) == len(value):
            return tuple(map(_converted, each, value))
    return value
