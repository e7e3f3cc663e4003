"""The options of a run: their defaults, which decide on results, and what may not stand together."""

import pytest

from emotion.models.errors import OptionError
from emotion.models.manifest import LITE
from emotion.models.options import options_of
from emotion.realtime.options import Options
from emotion.realtime.sinks.options import DEFAULT_FORMATS, FORMATS, read_formats
from emotion.realtime.sources.options import LiveOptions
from emotion.realtime.stages.options import VoteOptions

DEFAULTS = {
    "max_faces": 6,
    "stride": 1,
    "smooth": 0.3,
    "baseline": 0.0,
    "certain": 0.34,
    "doubtful": 0.3,
    "lead": 0.04,
    "margin": 0.1,
    "dwell": 0.25,
    "min_visible": 0.6,
    "privacy": "none",
    "window": True,
    "style": "panel",
    "scale": 1.0,
    "opacity": 0.8,
    "note": "apparent expressions, not feelings",
    "open_seconds": 10.0,
    "stall_seconds": 5.0,
    "attempts": 8,
    "first_delay": 0.5,
    "longest_delay": 8.0,
    "output": (),
    "formats": ("mp4", "csv", "jsonl", "html"),
    "models": LITE,
    "provider": "auto",
    "precision": "auto",
    "landmarks": "mediapipe",
    "batch": 8,
}
"""Of all others nothing is asked: None, or False."""


def test_defaults_are_those_that_results_are_known_by():
    """Whoever changes one says so in the change log: the same command gives other files."""
    for option in options_of(Options):
        if option.name in DEFAULTS:
            assert option.default == DEFAULTS[option.name], option.name
        else:
            assert option.default in (None, False, ()), option.name


@pytest.mark.parametrize(("doubtful", "certain"), [(0.3, 0.3), (0.0, 1.0), (0.2, 0.34)])
def test_a_name_is_withdrawn_at_no_more_than_it_is_given_at(doubtful, certain):
    assert VoteOptions(doubtful=doubtful, certain=certain).doubtful == doubtful
    with pytest.raises(OptionError, match="doubtful is at most certain"):
        VoteOptions(doubtful=certain + 1e-9 if certain < 1 else 1.0, certain=certain - 1e-9)


def test_waits_double_up_to_the_longest():
    options = LiveOptions(first_delay=0.5, longest_delay=8.0)
    assert [options.delay(attempt) for attempt in range(1, 8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert LiveOptions(first_delay=3.0, longest_delay=2.0).delay(1) == 2.0
    assert options.delay(10_000) == 8.0


@pytest.mark.parametrize(("milliseconds", "seconds"), [(None, None), (80, 0.08), (1500, 1.5)])
def test_the_bound_of_the_latency_is_given_in_milliseconds(milliseconds, seconds):
    assert LiveOptions(max_latency=milliseconds).latency_bound == seconds


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("csv", ("csv",)),
        ("CSV, mp4", ("csv", "mp4")),
        ("mp4,csv,mp4,", ("mp4", "csv")),
        (",".join(FORMATS), FORMATS),
    ],
)
def test_formats_are_named_with_commas_between_each_once(text, formats):
    assert read_formats(text) == formats


@pytest.mark.parametrize("text", ["", " , ", "avi", "csv,avi", "csv mp4"])
def test_a_format_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="is none of mp4, csv"):
        read_formats(text)


def test_defaults_of_the_formats_are_formats():
    assert set(DEFAULT_FORMATS) <= set(FORMATS)
