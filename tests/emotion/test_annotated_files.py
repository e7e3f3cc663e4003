"""`emotion.annotate_files`: what the command writes, by a call; also after a run that was killed."""

import csv
import json
import shutil

import numpy as np
import pytest

import emotion
from emotion.models.data.image_io import write_png
from emotion.realtime.options import Options
from emotion.realtime.session.policies import EachPicture, EveryFrame
from emotion.study import pool as pools
from emotion.study.in_process import InProcess
from emotion.study.metadata import Metadata
from emotion.study.shards import merge
from emotion.study.tables import NAMES
from tests.fakes.no_stages import NO_MODELS, NoFaces
from tests.helpers.clips import clip

FORMATS = ("mp4", "csv")


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    for policy in (EveryFrame, EachPicture):
        monkeypatch.setattr(policy, "stages", lambda self, models, options: [NoFaces()])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        clip(tmp_path / "in" / f"{name}.mp4", 12)
    return tmp_path / "in"


def annotated(folder, study=False, **options):
    out = folder.parent / "out"
    return emotion.annotate_files(folder, out, formats=FORMATS, models=NO_MODELS, study=study, **options)


def names(folder):
    return sorted(path.name for path in (folder.parent / "out").iterdir())


WHOLE = sorted(
    f"{name}.{kind}" for name in "abc" for kind in ("annotated.mp4", "emotions.csv", "summary.json")
)


@pytest.mark.parametrize("name", ["out.mp4", "out.csv", "out.avi", "out.xlsx"])
def test_a_file_for_results_is_refused_since_they_go_into_a_folder(folder, name):
    with pytest.raises(emotion.SinkError, match=f"{name} is the name of a file"):
        emotion.annotate_files(folder, folder.parent / name, models=NO_MODELS)
    assert not (folder.parent / name).exists()


def test_formats_are_named_in_a_text_too(folder):
    made = emotion.annotate_files(
        folder / "a.mp4", folder.parent / "out", formats="csv, vtt", models=NO_MODELS
    )
    assert [path.suffix for path in made.files[str(folder / "a.mp4")]] == [".csv", ".vtt", ".json"]


def test_all_of_a_folder_is_written_and_what_cannot_be_read_is_named(folder):
    write_png(folder / "photo.png", np.zeros((40, 60, 3), np.uint8))
    (folder / "broken.mp4").write_bytes(b"no video")
    made = annotated(folder)
    assert names(folder) == sorted([*WHOLE, "photo.annotated.jpg", "photos.csv", "photos.summary.json"])
    assert list(made.left_out) == [str(folder / "broken.mp4")]
    assert [path.name for path in made.files[str(folder / "a.mp4")]] == [
        name for name in WHOLE if name[0] == "a"
    ]
    assert [path.name for path in made.files[""]] == ["photos.csv", "photos.summary.json"]


def test_errors_name_the_parameters_of_the_call(folder):
    out = folder.parent / "out"
    out.mkdir()
    (out / "a.emotions.csv").write_text("mine")
    with pytest.raises(emotion.SinkError, match="name another place with output, or say overwrite=True"):
        annotated(folder)
    with pytest.raises(emotion.OptionError, match="shard needs a folder for the study: name one with output"):
        emotion.annotate_files(folder, models=NO_MODELS, shard="1/2")
    with pytest.raises(emotion.SourceError, match="int is no name of a file"):
        emotion.annotate_files(3, models=NO_MODELS)


def test_nothing_of_the_users_is_replaced(folder):
    out = folder.parent / "out"
    out.mkdir()
    (out / "b.emotions.csv").write_text("mine")
    with pytest.raises(emotion.SinkError, match="would be replaced"):
        annotated(folder)
    assert names(folder) == ["b.emotions.csv"]
    annotated(folder, overwrite=True)
    assert names(folder) == WHOLE


def test_no_source_is_replaced_by_the_results_of_another(folder):
    clip(folder / "a.annotated.mp4", 12)
    before = (folder / "a.annotated.mp4").read_bytes()
    with pytest.raises(emotion.SinkError, match="is being read"):
        emotion.annotate_files(
            [folder / "a.mp4", folder / "a.annotated.mp4"], formats="mp4", models=NO_MODELS, overwrite=True
        )
    assert (folder / "a.annotated.mp4").read_bytes() == before


def other(folder, *files):
    """Another folder with files of these names."""
    place = folder.parent / "other"
    place.mkdir()
    for name in files:
        if name.endswith(".mp4"):
            clip(place / name, 9)
        else:
            write_png(place / name, np.full((40, 60, 3), 9, np.uint8))
    return place


def contents(folder):
    """All results of a folder."""
    return {path.name: path.read_bytes() for path in (folder.parent / "out").iterdir()}


@pytest.mark.parametrize(
    ("files", "lost"),
    [
        (("a.mp4", "d.mp4"), r"a\.annotated\.mp4 is of .*in.a\.mp4, and would be .* of .*other.a\.mp4:"),
        (("d.mp4", "e.mp4"), r"study\.html is of .*in.a\.mp4, .* of .*other.d\.mp4, .*other.e\.mp4:"),
        (("x.png", "y.png"), r"photos\.csv is of .*in.1\.png, .*in.2\.png, .* of .*other.x\.png, .*y\.png:"),
    ],
    ids=["a video", "a study", "photographs"],
)
def test_another_folder_does_not_take_the_place_of_the_first_ones_results(folder, files, lost):
    for name in ("1.png", "2.png"):
        write_png(folder / name, np.zeros((40, 60, 3), np.uint8))
    annotated(folder, study=None)
    before, second = contents(folder), other(folder, *files)
    with pytest.raises(emotion.SinkError, match=lost):
        emotion.annotate_files(second, folder.parent / "out", formats=FORMATS, models=NO_MODELS)
    assert contents(folder) == before
    emotion.annotate_files(second, folder.parent / "out", formats=FORMATS, models=NO_MODELS, overwrite=True)


def test_a_folder_that_has_grown_goes_on(folder):
    write_png(folder / "1.png", np.zeros((40, 60, 3), np.uint8))
    annotated(folder, study=None)
    write_png(folder / "2.png", np.zeros((40, 60, 3), np.uint8))
    clip(folder / "d.mp4", 12)
    made = annotated(folder, study=None)
    assert len(made.passed_over) == 3
    out = folder.parent / "out"
    assert [row["video"] for row in rows(out / "videos.csv")] == ["a", "b", "c", "d"]
    assert len(rows(out / "photos.csv")) == 2


def test_one_photograph_after_the_other_has_a_table_of_its_own(folder):
    for name in ("1.png", "2.png"):
        write_png(folder / name, np.zeros((40, 60, 3), np.uint8))
        emotion.annotate_files(folder / name, formats=FORMATS, models=NO_MODELS)
    assert sorted(path.name for path in folder.iterdir() if path.name[0] in "12") == [
        f"{number}.{kind}"
        for number in "12"
        for kind in ("annotated.jpg", "emotions.csv", "png", "summary.json")
    ]


def test_the_users_home_is_meant_by_its_sign(folder, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder.parent))
    monkeypatch.chdir(folder)
    made = emotion.annotate_files("a.mp4", "~/out", formats="csv", models=NO_MODELS)
    assert made.files["a.mp4"][0] == folder.parent / "out" / "a.emotions.csv"


def test_options_have_the_commands_words(folder):
    made = annotated(folder, every="250ms", start=0.1)
    rows = made.files[str(folder / "a.mp4")][1].read_text().splitlines()
    assert 2 <= len(rows) - 1 < 6
    with pytest.raises(emotion.OptionError, match="evry"):
        annotated(folder, evry=1)


def test_what_has_no_name_is_refused_with_the_calls_that_take_it(tmp_path):
    with pytest.raises(emotion.SourceError, match=r"ndarray is no name of a file.*: analyze_files"):
        emotion.annotate_files([np.zeros((4, 4, 3), np.uint8)], tmp_path)


def test_models_that_are_not_there_are_an_error_of_the_models(folder):
    with pytest.raises(emotion.ModelFileError, match="no models"):
        emotion.annotate_files(folder / "a.mp4", models=folder)


def test_results_that_cannot_be_written_are_an_error_of_the_results(folder):
    (folder.parent / "out").write_text("a file")
    with pytest.raises(emotion.SinkError, match="cannot be made a folder"):
        emotion.annotate_files(folder / "a.mp4", folder.parent / "out", models=NO_MODELS)


def test_a_source_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(emotion.SourceError, match="does not exist"):
        emotion.annotate_files(tmp_path / "no.mp4", models=NO_MODELS)


def test_after_a_kill_what_is_done_is_passed_over_and_the_rest_is_made(folder, monkeypatch):
    out, left = folder.parent / "out", folder.parent / "left"

    class Killed(NoFaces):
        """Keeps the files as a kill would leave them, before anything is tidied."""

        seen = 0

        def process(self, items):
            Killed.seen += len(items)
            if Killed.seen > 18 and not left.exists():
                shutil.copytree(out, left)
                raise KeyboardInterrupt
            return super().process(items)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(EveryFrame, "stages", lambda self, models, options: [Killed()])
        annotated(folder)
    shutil.rmtree(out)
    left.rename(out)
    assert "a.annotated.mp4" in names(folder)
    assert "b.annotated.partial.mp4" in names(folder)
    made = annotated(folder)
    assert made.passed_over == [str(folder / "a.mp4")]
    assert names(folder) == WHOLE
    assert annotated(folder).passed_over == [str(folder / f"{name}.mp4") for name in "abc"]


STUDY = {*NAMES, "study.html", "log.jsonl", "provenance.json"}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_several_videos_with_a_folder_for_results_are_a_study(folder):
    (folder / "b.mp4").write_bytes(b"no video")
    (folder.parent / "m.csv").write_text("video,mood\na,good\nc,bad\n")
    reported = []
    made = annotated(
        folder,
        study=None,
        frames=True,
        metadata=folder.parent / "m.csv",
        by="mood",
        progress=lambda *done: reported.append(done),
    )
    out = folder.parent / "out"
    assert made.study == out
    assert {path.name for path in out.iterdir()} >= STUDY | {"frames.parquet", "a.study.json"}
    assert [(row["video"], row["state"], row["mood"]) for row in rows(out / "videos.csv")] == [
        ("a", "done", "good"),
        ("b", "failed", ""),
        ("c", "done", "bad"),
    ]
    assert list(made.left_out) == [str(folder / "b.mp4")]
    assert [path.name for path in made.files[str(folder / "a.mp4")]][:2] == [
        "a.annotated.mp4",
        "a.emotions.csv",
    ]
    assert reported == [(1, 3), (2, 3), (3, 3)]
    again = annotated(folder, study=None, frames=True, metadata=folder.parent / "m.csv", by="mood")
    assert again.passed_over == [str(folder / "a.mp4"), str(folder / "c.mp4")]


def test_parts_of_a_study_give_its_tables(folder):
    whole = emotion.annotate_files(folder, folder.parent / "whole", formats=("csv",), models=NO_MODELS)
    for part in ("2/2", "1/2"):
        made = annotated(folder, study=None, shard=part)
        assert made.study == folder.parent / "out"
        assert not (made.study / "study.html").exists()
    merge([made.study], made.study, False, Metadata(), None)
    videos = (rows(place / "videos.csv") for place in (whole.study, made.study))
    assert next(videos) == next(videos)


def test_processes_share_the_videos_where_no_models_are_loaded(folder, monkeypatch):
    asked = []

    def pool(options, count):
        asked.append((options.engine.models.name, count))
        return InProcess(Options(), NO_MODELS)

    monkeypatch.setattr(pools, "Pool", pool)
    made = emotion.annotate_files(folder, formats=("csv",), models="lite", jobs=2)
    assert asked == [("lite", 2)]
    assert len(made.files) == 3
    assert made.study is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"jobs": 2}, "models that are loaded"),
        ({"shard": "3/2"}, "write 2/10"),
        ({"jobs": 0}, "jobs"),
        ({"portraits": True, "privacy": "blur"}, "leave one out"),
        ({"by": "mood"}, "the columns of metadata are none"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_written(folder, options, said):
    with pytest.raises(emotion.OptionError, match=said):
        annotated(folder, study=None, **options)
    assert not (folder.parent / "out").exists()


def test_a_study_needs_a_folder(folder):
    with pytest.raises(emotion.OptionError, match="needs a folder"):
        emotion.annotate_files(folder, models=NO_MODELS, shard="1/2")


def test_pictures_that_are_too_small_for_faces_are_reported(folder):
    clip(folder / "tiny.mp4", 5, size=(64, 16))
    made = annotated(folder)
    notes = {
        name: json.loads(made.files[str(folder / name)][-1].read_text())["notes"]
        for name in ("a.mp4", "tiny.mp4")
    }
    assert notes["a.mp4"] == []
    assert notes["tiny.mp4"] == [
        "Pictures of 64x16 are too small for faces and are not analysed: the shorter side must have "
        "24 pixels."
    ]
