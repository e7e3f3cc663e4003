"""The list of all options with their bounds, units and defaults, as `tests/options.txt` keeps it.

``python -m tests.helpers.option_list`` writes that file anew. Whoever changes a line of it changes what the
same command does: the change log says so.
"""

from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path

from emotion.models.data.options import DatasetOptions
from emotion.models.evaluation.options import EvaluationOptions, WeightsOptions
from emotion.models.options import LARGEST, OptionField, options_of
from emotion.models.training.options import TrainingOptions
from emotion.own_model.options import LearnOptions
from emotion.realtime.options import Options
from emotion.realtime.playback.options import PlayOptions
from emotion.realtime.sources.options import FileOptions

FILE = Path(__file__).parents[1] / "options.txt"
GROUPS = (
    Options,
    FileOptions,
    PlayOptions,
    DatasetOptions,
    TrainingOptions,
    EvaluationOptions,
    WeightsOptions,
    LearnOptions,
)


def lines() -> Iterator[str]:
    """What bounds options of any kind, then an option a line, below the name of its group."""
    for unit, largest in LARGEST.items():
        yield f"at most {largest:.0f} {unit}".rstrip()
    for group in GROUPS:
        yield f"{group.__name__}"
        yield from map(_line, options_of(group))


def _line(field: OptionField) -> str:
    option, spelling = field.option, field.option.spelling
    bounds = {"at least": option.ge, "above": option.gt, "at most": option.le, "below": option.lt}
    parts = [".".join((*field.path, field.name)), _default(field)]
    parts += [f"{word} {bound}" for word, bound in bounds.items() if bound is not None]
    parts += [option.unit, option.metavar]
    parts += [*option.flags, *field.choices, *(["or None"] if field.optional else [])]
    for word, holds in (
        ("positional", option.positional),
        ("expert", option.expert),
        ("many", spelling is not None and spelling.many),
        ("switch", spelling is not None and spelling.switch),
    ):
        parts += [word] if holds else []
    return "  " + "; ".join(part for part in parts if part)


def _default(field: OptionField) -> str:
    if field.default is MISSING:
        return "required"
    # Where the program lies is no part of it.
    return repr(field.default.name if isinstance(field.default, Path) else field.default)


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
