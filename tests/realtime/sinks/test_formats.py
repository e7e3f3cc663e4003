import pytest

from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.formats import open_file
from emotion.realtime.sinks.options import FORMATS
from tests.helpers.mp4_roundtrip import INFO


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_opened_by_its_suffix(name, tmp_path):
    sink = open_file(tmp_path / f"a.{name.upper()}", INFO)
    assert sink.abort() is None
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_suffix_is_told_with_those_that_are_known(tmp_path):
    with pytest.raises(SinkError, match=r"a\.gif says no format.*\.mp4, \.csv"):
        open_file(tmp_path / "a.gif", INFO)
