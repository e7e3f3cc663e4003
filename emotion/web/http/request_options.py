"""Options of a request: query parameters, generated from the options' definitions."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Request

from emotion.models.errors import OptionError
from emotion.models.options import OptionField, options_of, unknown_option, with_values
from emotion.realtime.options import Options

_LOOK = ("style", "scale", "draw_timeline")
_THRESHOLDS = ("certain", "doubtful", "dwell", "lead", "margin")

OF_PHOTOS = ("max_faces", "certain", "doubtful")
"""The options of a single picture."""
OF_CAMERAS = ("max_faces", "smooth", "baseline", *_THRESHOLDS, "privacy")
"""The options of a camera."""
OF_VIDEOS = ("max_faces", "stride", "smooth", "baseline", *_THRESHOLDS, "causal", "privacy", *_LOOK)
"""The options of a video."""


# Query parameters other than options: a video's name, and the server's token.
_OTHERS = ("name", "token")
_REQUEST = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)


def chosen(names: tuple[str, ...], defaults: Options) -> Callable[..., dict[str, Any]]:
    """A dependency of FastAPI: the offered options of a request by name, with the server's defaults.

    Args:
        names: the options that are offered.
        defaults: of this server; its description shows them.
    """
    fields = {one.name: one for one in options_of(Options)}
    offered = [fields[name] for name in names]

    def depend(request: Request, **named: Any) -> dict[str, Any]:
        for name in request.query_params:
            if name not in named and name not in _OTHERS:
                raise OptionError(name, unknown_option(name, names))
        with_values(defaults, named)  # refused now with a message, not when the job starts
        return named

    depend.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_REQUEST, *(_parameter(one, one.value(defaults)) for one in offered)]
    )
    return depend


def _parameter(one: OptionField, default: Any) -> inspect.Parameter:
    """A query parameter with the option's help, and the server's default."""
    option, spelling = one.option, one.option.spelling
    shown = spelling.write(default) if spelling and default is not None else default
    query = Query(
        description=option.help,
        ge=None if spelling else option.ge,
        gt=None if spelling else option.gt,
        le=None if spelling else option.le,
        lt=None if spelling else option.lt,
        json_schema_extra={"unit": option.unit} if option.unit else None,
    )
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=shown,
        annotation=Annotated[str if spelling else one.kind, query],
    )
