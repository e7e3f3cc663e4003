"""Annotations for ELAN: what its schema (EAF 2.8) demands, and the spans of every person's label."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pympi
import pytest

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.elan import ElanAnnotations
from tests.helpers.clips import picture
from tests.helpers.eaf_format import faults
from tests.helpers.results import face, result

SCENE = [
    *(result(n, face("fear"), face("anger", 2)) for n in range(10)),
    *(result(n, face("anger"), face("anger", 2)) for n in range(10, 20)),
    *(result(n, face("anger")) for n in range(20, 40)),
]


def written(path, scene=SCENE, **more):
    with ElanAnnotations(path, **more) as sink:
        for one in scene:
            sink.write(one, picture(one.frame.index))
    return path


def test_a_tier_a_person_and_an_annotation_a_label(tmp_path):
    found = pympi.Eaf(str(written(tmp_path / "a.eaf")))
    assert set(found.get_tier_names()) == {"Person 1", "Person 2"}
    spans = {
        name: [one[:3] for one in found.get_annotation_data_for_tier(name)] for name in found.get_tier_names()
    }
    assert sorted(spans["Person 1"]) == [(0, 400, "fear"), (400, 1600, "anger")]
    assert spans["Person 2"] == [(0, 800, "anger")]


def test_the_document_is_what_the_schema_demands(tmp_path):
    video = Path("clips/a b ä [1]%.mp4")
    for name, scene in (("whole.eaf", SCENE), ("nobody.eaf", [result(0)]), ("nothing.eaf", [])):
        root = ElementTree.parse(written(tmp_path / name, scene, source=video)).getroot()
        assert faults(root) == []
        media = next(root.iter("MEDIA_DESCRIPTOR"))
        assert media.get("MEDIA_URL").startswith("file:///")
        assert media.get("MEDIA_URL").endswith("/clips/a%20b%20%C3%A4%20%5B1%5D%25.mp4")
        assert unquote(media.get("RELATIVE_MEDIA_URL")).endswith("clips/a b ä [1]%.mp4")
        assert media.get("MIME_TYPE") == "video/mp4"
    root = ElementTree.parse(tmp_path / "whole.eaf").getroot()
    slots = {one.get("TIME_SLOT_ID"): int(one.get("TIME_VALUE")) for one in root.iter("TIME_SLOT")}
    spans = list(root.iter("ALIGNABLE_ANNOTATION"))
    assert len(spans) == 3
    assert all(slots[one.get("TIME_SLOT_REF1")] < slots[one.get("TIME_SLOT_REF2")] for one in spans)


def _swapped(root):
    root[:2] = reversed(root[:2])


def _removed(path):
    def change(root):
        parent = root.find(f"{path}/..")
        parent.remove(parent.find(path.rpartition("/")[2]))

    return change


def _with(path, name, value):
    def change(root):
        root.find(path).attrib.pop(name, None)
        if value is not None:
            root.find(path).set(name, value)

    return change


_SPAN = "TIER/ANNOTATION/ALIGNABLE_ANNOTATION"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_swapped, "ANNOTATION_DOCUMENT holds TIME_ORDER HEADER"),
        (_removed("./HEADER"), "ANNOTATION_DOCUMENT holds TIME_ORDER"),
        (_removed(f"{_SPAN}/ANNOTATION_VALUE"), "ALIGNABLE_ANNOTATION holds nothing"),
        (_removed("./LINGUISTIC_TYPE"), "TIER refers to default-lt"),
        (_removed("TIME_ORDER/TIME_SLOT"), "refers to ts2"),
        (_with(".", "DATE", "today"), "DATE='today'"),
        (_with(".", "AUTHOR", None), "lacks AUTHOR"),
        (_with(".", "COLOUR", "red"), "has COLOUR"),
        (_with("TIER", "TIER_ID", "Person 2"), "Person 2 is there twice"),
        (_with("TIME_ORDER/TIME_SLOT", "TIME_VALUE", "-1"), "TIME_VALUE='-1'"),
        (_with("TIME_ORDER/TIME_SLOT", "TIME_SLOT_ID", "1"), "TIME_SLOT_ID='1'"),
        (_with(_SPAN, "ANNOTATION_ID", "ts2"), "ts2 is there twice"),
        (_with("HEADER/MEDIA_DESCRIPTOR", "RELATIVE_MEDIA_URL", "./100%.mp4"), "URL='./100%.mp4'"),
        (_with("HEADER", "TIME_UNITS", "seconds"), "TIME_UNITS='seconds'"),
    ],
)
def test_what_the_schema_forbids_is_noticed(tmp_path, change, said):
    root = ElementTree.parse(written(tmp_path / "a.eaf", source=Path("a.mp4"))).getroot()
    change(root)
    assert any(said in fault for fault in faults(root))


def test_times_are_those_of_players(tmp_path):
    found = pympi.Eaf(str(written(tmp_path / "a.eaf", origin=0.4)))
    assert sorted(one[:2] for one in found.get_annotation_data_for_tier("Person 1")) == [(0, 1200)]


def test_nobody_and_nothing_are_documents_too(tmp_path):
    for name, scene in (("nobody.eaf", [result(0), result(1)]), ("nothing.eaf", [])):
        assert list(pympi.Eaf(str(written(tmp_path / name, scene))).get_tier_names()) == []


def test_an_hour_is_no_burden(tmp_path):
    """Times beyond what 24 bits hold, at another time base."""
    late = [EmotionFrame(replace(one.frame, pts=one.frame.pts + 36_000_000), one.faces) for one in SCENE]
    found = pympi.Eaf(str(written(tmp_path / "a.eaf", late)))
    assert found.get_full_time_interval()[1] == 36_001_600
