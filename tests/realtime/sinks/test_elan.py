"""Annotations for ELAN: what its schema (EAF 2.8) demands, and the spans of every person's label."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pympi

from emotion.realtime.messages import EmotionFrame
from emotion.realtime.sinks.elan import ElanAnnotations
from tests.helpers.clips import picture
from tests.helpers.results import face, result

SCENE = [
    *(result(n, face("fear"), face("anger", 2)) for n in range(10)),
    *(result(n, face("anger"), face("anger", 2)) for n in range(10, 20)),
    *(result(n, face("anger")) for n in range(20, 40)),
]
# The children of the document, of its header and of a tier, in the order that the schema demands.
ORDER = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LOCALE", "LANGUAGE", "CONSTRAINT"]


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
    root = ElementTree.parse(written(tmp_path / "a.eaf", source=Path("clips/a b.mp4"))).getroot()
    assert root.tag == "ANNOTATION_DOCUMENT"
    assert {"AUTHOR", "DATE", "VERSION", "FORMAT"} <= set(root.attrib)
    places = [ORDER.index(child.tag) for child in root]
    assert places == sorted(places)
    slots = {one.get("TIME_SLOT_ID"): int(one.get("TIME_VALUE")) for one in root.iter("TIME_SLOT")}
    types = {one.get("LINGUISTIC_TYPE_ID") for one in root.iter("LINGUISTIC_TYPE")}
    numbers = [one.get("ANNOTATION_ID") for one in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(numbers)) == len(numbers) == 3
    assert not set(numbers) & set(slots)
    for tier in root.iter("TIER"):
        assert tier.get("LINGUISTIC_TYPE_REF") in types
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            assert slots[one.get("TIME_SLOT_REF1")] < slots[one.get("TIME_SLOT_REF2")]
    media = next(root.iter("MEDIA_DESCRIPTOR"))
    assert media.get("MEDIA_URL").startswith("file:///")
    assert media.get("MEDIA_URL").endswith("/clips/a%20b.mp4")
    assert media.get("MIME_TYPE") == "video/mp4"


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
