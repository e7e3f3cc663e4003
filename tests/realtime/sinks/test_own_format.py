"""Formats that packages add by entry points, such as the example in docs/examples/own_format."""

import sys
import tomllib

import pytest

from emotion.models.errors import MissingDependencyError, OptionError
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks import formats
from emotion.realtime.sinks.formats import format_named, known_formats, open_file
from emotion.realtime.sinks.options import BUILT_IN, GROUP, OutputOptions, read_formats
from emotion.videos import Outputs
from tests.helpers.clips import picture
from tests.helpers.mp4_roundtrip import INFO, SIZE
from tests.helpers.paths import ROOT
from tests.helpers.results import face, result

EXAMPLE = ROOT / "docs/examples/own_format"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a package as pip would leave it: modules, and metadata that name its entry points."""

    def install(entry, source):
        site = tmp_path / "site"
        about = site / "emotion_labels-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: emotion-labels\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{GROUP}]\n{entry}\n")
        (site / "emotion_labels.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, "emotion_labels", raising=False)
        format_named.cache_clear()

    yield install
    format_named.cache_clear()
    sys.modules.pop("emotion_labels", None)


def test_the_example_is_a_format_like_those_that_ship(installed, tmp_path):
    reported = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    [(name, place)] = reported.items()
    installed(f"{name} = {place}", (EXAMPLE / "emotion_labels.py").read_text())
    assert read_formats("csv,labels") == ("csv", "labels")
    assert OutputOptions(formats=("labels",)).formats == ("labels",)
    assert "labels" in known_formats()
    outputs = Outputs.of(tmp_path / "clip.mp4", None, ("labels",))
    assert outputs.files["labels"].name == "clip.emotions.labels"
    with open_file(tmp_path / "a.labels", INFO) as sink:
        for index, label in enumerate(["fear", "fear", "anger"]):
            sink.write(result(index, face(label)), picture(index, SIZE))
    assert (tmp_path / "a.labels").read_text() == "0.00\tperson 1: fear\n0.08\tperson 1: anger\n"


def test_a_package_that_cannot_be_loaded_is_named(installed):
    installed("labels = emotion_labels:LABELS", "import a_library_that_there_is_not\n")
    with pytest.raises(MissingDependencyError, match="format labels of emotion_labels:LABELS"):
        format_named("labels")


def test_what_is_no_format_is_refused(installed):
    installed("labels = emotion_labels:LABELS", "LABELS = 3\n")
    with pytest.raises(SinkError, match="is no Format"):
        format_named("labels")


def test_what_ships_keeps_its_name(installed):
    installed("csv = emotion_labels:LABELS", "LABELS = 3\n")
    assert format_named("csv").kind == "timeline"


def test_a_format_that_nobody_adds_is_refused(tmp_path):
    with pytest.raises(OptionError, match="none of mp4"):
        OutputOptions(formats=("labels",))
    with pytest.raises(SinkError, match="labels is no format"):
        format_named("labels")


def test_the_formats_that_ship_are_entry_points_too():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert settings["entry-points"][GROUP] == BUILT_IN
    assert formats.format_named("mp4").ending == "annotated.mp4"
