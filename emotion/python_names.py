"""Errors of Python's calls: parameters in place of the options of the command line that messages name."""

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from emotion.models.errors import EmotionError
from emotion.models.options import OptionField, options_of
from emotion.realtime.options import Options
from emotion.study.options import StudyOptions

P = ParamSpec("P")
R = TypeVar("R")

# A command for the terminal stays as it is; the word after an option may be its value.
_NAMED = re.compile(r"'emotion [^']*'|(?<![\w-])(?P<flag>--[a-z][a-z-]*|-o)\b(?: (?P<word>\w+))?")
# Parameters of the calls that are no fields of `Options`.
_OWN = {"-o": "output", "--recursive": "recursive=True", "--overwrite": "overwrite=True"}


def in_python(sentence: str) -> str:
    """A message with Python's parameters, such as ``provider="cpu"`` for ``--provider cpu``."""
    return _NAMED.sub(_parameter, sentence)


def with_python_names(call: Callable[P, R]) -> Callable[P, R]:
    """A function of the Python interface, whose errors name its parameters."""

    @wraps(call)
    def named(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except EmotionError as error:
            error.args = tuple(in_python(one) if isinstance(one, str) else one for one in error.args)
            raise

    return named


def _parameter(found: "re.Match[str]") -> str:
    flag, word = found["flag"], found["word"]
    rest = f" {word}" if word else ""
    if flag is None:
        return found[0]
    if flag in _OWN:
        return _OWN[flag] + rest
    field = _fields().get(flag)
    if field is None:
        return found[0]
    if word in (*field.choices, *field.several):
        return f'{field.name}="{word}"'
    return f"{field.name}{'=True' if field.kind is bool and field.default is False else ''}{rest}"


@cache
def _fields() -> dict[str, OptionField]:
    """The options by their flags."""
    fields = [*options_of(Options), *options_of(StudyOptions)]
    return {
        flag: field for field in fields for flag in (f"--{field.name.replace('_', '-')}", *field.option.flags)
    }
