"""The plan that `emotion annotate` and `emotion.annotate_files` share."""

from pathlib import Path

import pytest

from emotion.annotation_plan import plan_annotation
from emotion.inputs import find_inputs
from emotion.models.options import with_values
from emotion.realtime.errors import SinkError
from emotion.realtime.options import Options
from emotion.study.options import StudyOptions


def planned(*named, folder=None, many=None, formats=("mp4", "csv"), **more):
    options = with_values(Options(), {"formats": formats})
    return plan_annotation(named, find_inputs(named), folder, options, many or StudyOptions(), **more)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4", "1.png", "2.png"):
        (tmp_path / name).write_bytes(b"a source")
    return tmp_path


@pytest.mark.parametrize(
    ("named", "more", "together", "study", "resume"),
    [
        (["a.mp4"], {}, False, False, False),
        (["a.mp4"], {"folder": Path("out")}, False, False, False),
        (["a.mp4"], {"folder": Path("out"), "study": True}, True, True, True),
        (["a.mp4"], {"folder": Path("out"), "many": StudyOptions(jobs=2)}, True, True, True),
        (["a.mp4", "b.mp4"], {}, True, False, False),
        (["a.mp4", "b.mp4"], {"folder": Path("out")}, True, True, True),
        (["a.mp4", "b.mp4"], {"folder": Path("out"), "study": False}, True, False, False),
        (["a.mp4", "b.mp4"], {"folder": Path("out"), "together": False}, False, False, False),
        (["a.mp4", "b.mp4"], {"folder": Path("out"), "resume": False}, True, True, False),
        (["."], {}, True, False, True),
        (["1.png"], {"folder": Path("out")}, False, False, False),
        (["1.png", "2.png"], {}, False, False, False),
        (["1.png", "2.png"], {"folder": Path("out")}, False, False, True),
        (["1.png"], {"folder": Path("out"), "study": True}, False, False, False),
    ],
)
def test_what_follows_from_the_sources_and_what_is_chosen(named, more, together, study, resume):
    plan = planned(*named, **more)
    assert (plan.together, plan.study, plan.resume) == (together, study, resume)
    assert all(("study" in outputs.files) == study for _, outputs in plan.videos)


def test_each_source_has_its_results():
    plan = planned(".", folder=Path("out"))
    assert [(video.name, sorted(outputs.files)) for video, outputs in plan.videos] == [
        ("a.mp4", ["csv", "mp4", "study"]),
        ("b.mp4", ["csv", "mp4", "study"]),
    ]
    photographs, outputs = plan.photographs
    assert [one.path.name for one in photographs] == ["1.png", "2.png"]
    assert outputs.tables == {"csv": Path("out/photos.csv")}


def test_no_result_takes_the_place_of_another_source_or_model(folder):
    (folder / "a.annotated.mp4").write_bytes(b"a user's own")
    with pytest.raises(SinkError, match=r"a\.annotated\.mp4 is being read"):
        planned("a.mp4", "a.annotated.mp4")
    (folder / "1.annotated.jpg").write_bytes(b"a user's own")
    with pytest.raises(SinkError, match=r"1\.annotated\.jpg is being read"):
        planned("1.png", "1.annotated.jpg")


def test_a_video_called_as_the_tables_of_photographs_is_refused_before_the_run(folder):
    (folder / "photos.mp4").write_bytes(b"a source")
    with pytest.raises(SinkError, match=r"Two sources would both be written to .*photos\.summary\.json"):
        planned(".")


def test_one_file_cannot_have_the_results_of_two_videos():
    with pytest.raises(SinkError, match=r"Two sources would both be written to out\.mp4"):
        planned("a.mp4", "b.mp4", files=[Path("out.mp4")])
