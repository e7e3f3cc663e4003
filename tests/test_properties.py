"""What holds for whatever comes in: properties, tried on many inputs that hypothesis makes up.

Always the same ones, so that a run says the same twice; more, and others, with
`HYPOTHESIS_PROFILE=search`.
"""

import json
import math
import os
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emotion.models.errors import ModelFileError, OptionError
from emotion.models.manifest import LITE, read_manifest
from emotion.models.names import escaped, readable, shortened
from emotion.models.options import from_mapping, options_of, to_mapping
from emotion.realtime.media import VideoInfo
from emotion.realtime.messages import Box
from emotion.realtime.options import Options
from emotion.realtime.sinks.audio_clock import AudioClock
from emotion.realtime.sources import containers
from emotion.realtime.sources.timeline import Timeline
from emotion.realtime.stages.tracker import Tracker

ALL = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("fixed", derandomize=True, max_examples=25, **ALL)
settings.register_profile("search", max_examples=2000, **ALL)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

STAMPS = st.lists(st.none() | st.integers(-(2**33), 2**33) | st.integers(0, 200), max_size=60)
# Letters of all kinds that matter; all of Unicode takes seconds to list.
LETTERS = st.sampled_from("a/.[: \n\t\x00\x1b\x7f\x9b\u2028\u202e\u0301\u00e9\udce9\U0001f600")
WORDS = st.lists(LETTERS, max_size=8).map("".join)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
ANYTHING = LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(WORDS, LEAVES, max_size=2)
BYTES_AS_NAMES = st.binary(min_size=1, max_size=300).map(os.fsdecode)


@given(STAMPS, st.integers(1, 5000))
def test_a_timeline_gives_each_picture_once_and_times_that_grow(stamps, step):
    timeline = Timeline(Fraction(1, 90_000), step, 600.0)
    placed = list(timeline.place(iter(enumerate(stamps)), lambda picture: picture[1]))
    assert [picture for _, picture in placed] == list(enumerate(stamps))
    assert all(before < after for (before, _), (after, _) in pairwise(placed))


@given(st.integers(0, 10**6), st.integers(2, 60))
def test_good_stamps_pass_unchanged(begin, count):
    stamps = [begin + 3750 * n for n in range(count)]
    timeline = Timeline(Fraction(1, 90_000), 3750, 600.0)
    assert [time for time, _ in timeline.place(iter(stamps), lambda stamp: stamp)] == stamps
    assert timeline.mends.sentences() == []


INFO = VideoInfo(path=None, width=64, height=48, time_base=Fraction(1, 1000), duration_seconds=10.0)


@given(STAMPS)
def test_sound_gets_times_that_grow(stamps):
    clock = AudioClock(Fraction(1, 1000), INFO)
    placed = [pair for stamp in stamps for pair in clock.feed(stamp, 21, stamp)] + list(clock.flush())
    assert len(placed) + clock.dropped == len(stamps)
    assert all(before < after for (before, _), (after, _) in pairwise(placed))


@given(st.dictionaries(st.sampled_from([one.name for one in options_of(Options)]), ANYTHING, max_size=3))
def test_options_take_what_may_be_or_name_what_may_not(values):
    try:
        options = from_mapping(Options, values)
    except OptionError:
        return
    json.dumps(to_mapping(options), allow_nan=False)
    assert from_mapping(Options, to_mapping(options)) == options


@given(WORDS | BYTES_AS_NAMES)
def test_names_move_no_terminal_and_fit_every_file(name):
    shown = escaped(name)
    assert shown.isprintable() or not any(ord(letter) < 32 or letter == "\x7f" for letter in shown)
    readable(name).encode()
    assert escaped(shown) == shown


@given(BYTES_AS_NAMES, st.integers(8, 255))
def test_a_name_is_shortened_to_its_limit_from_its_beginning(name, limit):
    short = os.fsencode(shortened(name, limit))
    assert len(short) <= limit
    assert os.fsencode(name).startswith(short)
    assert len(short) >= min(limit - 3, len(os.fsencode(name)))


FIELDS = st.sampled_from(["format", "file", "size", "classes", "place", "x"])


@given(changes=st.dictionaries(FIELDS, ANYTHING))
def test_a_manifest_of_any_content_is_read_or_refused_with_its_name(tmp_path_factory, changes):
    folder = tmp_path_factory.mktemp("models")
    values = json.loads((LITE / "lips.json").read_text())
    (folder / "lips.json").write_text(json.dumps(values | changes))
    (folder / values["file"]).symlink_to(LITE / values["file"])
    try:
        manifest = read_manifest(folder, "lips")
    except ModelFileError:
        return
    assert manifest.region == "lips"


SIDES = st.integers(-10_000, 10_000).map(float)
LENGTHS = st.sampled_from([0.01, 1.0, 90.0, 1e4])
BOXES = st.lists(st.builds(Box, SIDES, SIDES, LENGTHS, LENGTHS), max_size=6)


@given(st.lists(st.tuples(BOXES, st.sampled_from([0.0, 0.04, 3.0])), max_size=8))
def test_each_face_has_a_track_of_its_own_wherever_it_is(pictures):
    tracker, seconds = Tracker(), 0.0
    for boxes, wait in pictures:
        seconds += wait
        tracks = tracker.assign(boxes, seconds)
        assert len(tracks) == len(set(tracks)) == len(boxes)


BEGINNINGS = {
    "asf": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "avi": b"RIFF\xff\x00\x00\x00AVI ",
    "flv": b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00",
    "gif": b"GIF89a\x10\x00\x10\x00\x80\x00\x00",
    "h264": b"\x00\x00\x01\x67\x42\xc0\x1e",
    "matroska": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff",
    "mp4": b"\x00\x00\x00\x08ftyp\x00\x00\x01\x00moov",
    "mpeg": b"\x00\x00\x01\xba",
    "mpegts": b"G" + bytes(187) + b"G",
    "nut": b"nut/multimedia container\x00",
    "ogg": b"OggS\x00\x02",
}


@pytest.mark.parametrize("name", BEGINNINGS)
@given(rest=st.binary(max_size=400))
def test_checks_of_containers_take_any_bytes(tmp_path_factory, name, rest):
    path = tmp_path_factory.getbasetemp() / f"any.{name}"
    path.write_bytes(BEGINNINGS[name] + rest)
    mended = containers.mend(path, name)
    for finding in (containers.check(path, name), containers.check(path, name, 0, mended)):
        assert finding is None or finding.why
    assert all(number >= 0 for number in containers.numbers(path, name, 0).values())


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers())
def test_a_number_of_any_size_is_an_option_or_a_sentence(number):
    for name in ("smooth", "threads", "seconds", "attempts", "dwell"):
        try:
            options = from_mapping(Options, {name: number})
        except OptionError:
            continue
        assert math.isfinite(next(one for one in options_of(Options) if one.name == name).value(options))
