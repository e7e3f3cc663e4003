"""Files and photographs on a cluster, which is a fake: the same results as on one machine."""

from contextlib import contextmanager

import cv2
import fsspec
import pytest

import emotion
from emotion.cluster.calls import CallResult
from emotion.distributed_photographs import batches, distribute_photographs, in_order
from emotion.inputs import find_inputs
from emotion.models.errors import OptionError
from emotion.photographs import PhotographOutputs, annotate_photographs
from emotion.realtime.errors import SinkError, SourceError
from emotion.realtime.options import Options
from emotion.realtime.sources.demo import DEMO
from emotion.realtime.sources.file import VideoFile
from tests.fakes.ray_library import FakeRay
from tests.helpers.clips import beginning
from tests.helpers.shipped_models import shipped_models


@pytest.fixture(autouse=True)
def cluster(monkeypatch):
    @contextmanager
    def connection(*_):
        yield FakeRay("ab")

    monkeypatch.setattr("emotion.cluster.calls.Connection", connection)
    for module in ("recognizer", "distributed_photographs"):
        monkeypatch.setattr(f"emotion.{module}.load_models", lambda *_given: shipped_models())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clip, two photographs with a face, one that is none, and ten more of nobody."""
    place = tmp_path_factory.mktemp("files")
    with VideoFile(DEMO) as video:
        face = next(iter(video)).image.copy()
    beginning(DEMO, place / "clip.mp4", 4)
    cv2.imwrite(str(place / "a.png"), face)
    cv2.imwrite(str(place / "b.png"), face[:, ::-1])
    (place / "broken.jpg").write_bytes(b"text")
    for number in range(10):
        cv2.imwrite(str(place / f"none {number}.png"), face[:40, :40])
    return place


def test_files_give_what_they_give_here(folder, capsys):
    reported = []
    reader = emotion.Recognizer()
    here = reader.analyze_files(folder)
    there = reader.analyze_files(folder, cluster="auto", progress=lambda *done: reported.append(done))
    assert there.to_dicts() == here.to_dicts()
    assert there.left_out == here.left_out
    assert list(there.left_out) == [str(folder / "broken.jpg")]
    assert reported[-1] == (14, 14)


@pytest.mark.parametrize("where", ["auto", None])
@pytest.mark.parametrize("scheme", ["memory", "s3"])
def test_files_of_a_store_are_called_by_their_addresses(folder, request, scheme, where):
    store = request.getfixturevalue("s3") if scheme == "s3" else fsspec.filesystem("memory")
    store.pipe("bucket/photos/a.png", (folder / "a.png").read_bytes())
    reader = emotion.Recognizer(shipped_models()) if where is None else emotion.Recognizer()
    try:
        for named in ("photos/a.png", "photos/"):
            results = reader.analyze_files(f"{scheme}://bucket/{named}", cluster=where)
            assert results.sources == (f"{scheme}://bucket/photos/a.png",)
            assert results[0].faces
        with pytest.raises(SourceError, match=rf"{scheme}://bucket/none\.png is not there"):
            reader.analyze_files(f"{scheme}://bucket/none.png", cluster=where)
    finally:
        store.rm("bucket/photos", recursive=True)


@pytest.mark.parametrize("chosen", [{"keep_images": True}, {"models": shipped_models}])
def test_what_cannot_travel_is_refused(folder, chosen):
    chosen = {name: value() if callable(value) else value for name, value in chosen.items()}
    with pytest.raises(OptionError, match="files and models by their names"):
        emotion.analyze_files(folder, cluster="auto", **chosen)


def photographs(folder, out):
    inputs = [one for one in find_inputs([folder]) if one.kind == "photograph"]
    return inputs, PhotographOutputs.of(inputs, out, ("mp4", "csv", "parquet"))


def test_photographs_give_the_same_table_and_pictures(folder, tmp_path):
    inputs, outputs = photographs(folder, tmp_path / "here")
    here = annotate_photographs(inputs, outputs, shipped_models(), Options())
    reported, said = [], []
    _, spread = photographs(folder, tmp_path / "there")
    there = distribute_photographs(
        "auto", inputs, spread, Options(), progress=lambda *done: reported.append(done), say=said.append
    )
    assert there == here
    assert reported[-1] == (13, 13)
    assert len(said) == 1
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == names
    for name in names:
        if "summary" not in name:
            assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name


def test_where_none_can_be_read_an_earlier_table_stays(folder, tmp_path):
    broken = [one for one in find_inputs([folder]) if one.path.name == "broken.jpg"] * 3
    good, outputs = photographs(folder, tmp_path)
    distribute_photographs("auto", good, outputs, Options())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    said = []
    summary = distribute_photographs("auto", broken, outputs, Options(), say=said.append)
    assert (summary.photographs, list(summary.left_out)) == (0, [str(folder / "broken.jpg")])
    assert said
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_folder_does_not_take_the_place_of_the_first_ones_table(folder, tmp_path):
    inputs, outputs = photographs(folder, tmp_path)
    distribute_photographs("auto", inputs[1:], outputs, Options())
    with pytest.raises(SinkError, match=r"photos\.csv is of .*b\.png"):
        distribute_photographs("auto", inputs[:1], outputs, Options())
    distribute_photographs("auto", inputs, outputs, Options())


@pytest.mark.parametrize("count", [1, 8, 9, 5_000, 1_000_000])
def test_batches_hold_each_photograph_once_and_thousands_no_task_each(count):
    found = batches(count)
    assert sum(map(len, found)) == count
    assert max(map(len, found)) <= 500
    assert len(found) <= max(256, count // 500 + 1)
    assert [one for places in found[:3] for one in places] == list(range(sum(map(len, found[:3]))))


def test_results_that_come_early_wait():
    came = [CallResult(2, "c"), CallResult(0, "a"), CallResult(1, "b"), CallResult(3, "d")]
    assert [one.value for one in in_order(iter(came))] == ["a", "b", "c", "d"]
