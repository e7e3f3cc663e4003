"""The options of a run: their defaults, which decide on results, and what may not stand together."""

import pytest

from emotion.models.errors import OptionError
from emotion.realtime.sinks.options import DEFAULT_FORMATS, FORMATS, read_formats
from emotion.realtime.sources.options import FileOptions, LiveOptions, read_size, read_step, read_time
from emotion.realtime.stages.options import FaceOptions, VoteOptions, read_details
from tests.helpers.option_list import FILE, lines


def test_options_their_bounds_and_defaults_are_those_that_results_are_known_by():
    """Whoever changes one says so in the change log: the same command does something else."""
    assert FILE.read_text(encoding="utf-8").splitlines() == list(lines())


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


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (read_step, "5", 5.0),
        (read_step, "5s", 5.0),
        (read_step, "500ms", 0.5),
        (read_step, "2fps", 0.5),
        (read_step, " 0.5 FPS ", 2.0),
        (read_time, "90", 90.0),
        (read_time, "1500ms", 1.5),
        (read_time, "1:30", 90.0),
        (read_time, "1:02:03.5", 3723.5),
        (read_time, "0:00", 0.0),
        (read_size, "1280x720", (1280, 720)),
        (read_size, "1x1", (1, 1)),
        (read_details, "Pose, quality,pose,", ("pose", "quality")),
        (read_details, "", ()),
    ],
)
def test_texts_are_read_as_they_are_meant(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *(
            (read_step, text)
            for text in ("0", "0fps", "0s", "-1", "fps", "1e-400fps", "inf", "2 pictures", "")
        ),
        *((read_time, text) for text in ("", "1:2:3:4", "a:10", "1:a", "-1", "1:-1", "1.5:00", ":")),
        *((read_size, text) for text in ("0x480", "640x0", "640", "640x480x3", "axb", "-1x1", "")),
        *((read_details, text) for text in ("eyes", "pose,eyes")),
    ],
)
def test_texts_of_another_form_are_refused(read, text):
    with pytest.raises(ValueError, match=r"is no|is none of"):
        read(text)


@pytest.mark.parametrize(("start", "end"), [(None, 0.1), (1.0, 1.1), (0.0, 4.0)])
def test_a_part_ends_behind_its_beginning(start, end):
    assert FileOptions(start=start, end=end).end == end
    with pytest.raises(OptionError, match="end is later than start"):
        FileOptions(start=end, end=end)


@pytest.mark.parametrize(("lead", "margin"), [(0.1, 0.1), (0.0, 0.0), (0.04, 0.5)])
def test_who_leads_enough_for_the_label_may_be_the_longest_bar(lead, margin):
    assert VoteOptions(lead=lead, margin=margin).margin == margin
    with pytest.raises(OptionError, match="lead is at most margin"):
        VoteOptions(lead=margin + 0.01, margin=margin)


def test_a_stride_and_finders_have_ends():
    assert FaceOptions(stride=4, finders=8, max_faces=20).stride == 4
    for wrong in ({"stride": 5}, {"finders": 9}, {"finders": 0}, {"max_faces": 21}, {"max_faces": 0}):
        with pytest.raises(OptionError):
            FaceOptions(**wrong)
