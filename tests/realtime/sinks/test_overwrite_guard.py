import os
import shutil
import sys
from pathlib import Path

import pytest

from emotion.cli import app as cli
from emotion.models.manifest import ZOO
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks import overwrite_guard as apart
from emotion.realtime.sinks.overwrite_guard import FileSet, keep_apart
from tests.helpers.clips import clip


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["emotion", *map(str, arguments)])
    return cli.run()


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A video with other names: links to it, and a place from which to spell it otherwise."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in.mp4"
    clip(path, 5)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.mp4").symlink_to(path)
    os.link(path, tmp_path / "hard.mp4")
    os.link(path, tmp_path / "hard.json")
    (tmp_path / "link.json").symlink_to("in.mp4")
    return path


NAMES = ["in.mp4", "./sub/../in.mp4", "link.mp4", "hard.mp4"]


@pytest.mark.parametrize("place", NAMES)
def test_what_is_read_is_refused_by_any_name(source, place):
    path = source.parent / place
    with pytest.raises(SinkError, match=r"is being read: write the result to another name or folder\."):
        keep_apart([source], [source.parent / "other.mp4", path])
    keep_apart([source], [source.parent / "other.mp4"])
    keep_apart([None], [path])


@pytest.mark.parametrize(
    "options", [("-o", place) for place in NAMES] + [("--report", "link.json"), ("--report", "hard.json")]
)
def test_live_never_writes_over_its_source(source, monkeypatch, capsys, options):
    before = source.read_bytes()
    assert run(monkeypatch, "live", "in.mp4", "--no-window", *options) == 6
    assert "is being read" in capsys.readouterr().err
    assert run(monkeypatch, "live", f"file://{source}", "--no-window", *options) == 6
    assert source.read_bytes() == before
    assert {path.name for path in source.parent.iterdir()} == {
        "in.mp4", "sub", "link.mp4", "hard.mp4", "hard.json", "link.json"
    }  # fmt: skip


def test_live_never_writes_over_its_models(source, monkeypatch, capsys):
    models = source.parent / "models"
    shutil.copytree(ZOO / "lite", models)
    before = (models / "weights.json").read_bytes()
    arguments = ("--no-window", "--models", models, "--report", models / "weights.json")
    assert run(monkeypatch, "live", "in.mp4", *arguments) == 6
    assert (models / "weights.json").read_bytes() == before


def test_two_results_in_one_file_are_refused(source, monkeypatch, capsys):
    (source.parent / "a.csv").touch()
    os.link("a.csv", "b.csv")
    assert run(monkeypatch, "live", "in.mp4", "--no-window", "-o", "a.csv", "-o", "b.csv") == 6
    assert "b.csv would be written twice" in capsys.readouterr().err
    assert run(monkeypatch, "live", "in.mp4", "--no-window", "-o", "c.html", "--report", "c.html") == 6
    # The one lies where the other is made.
    assert run(monkeypatch, "live", "in.mp4", "--no-window", "-o", "c.csv", "-o", "c.partial.csv") == 6


def test_annotate_writes_over_none_of_its_videos(source, monkeypatch, capsys):
    other = source.parent / "in.annotated.mp4"
    clip(other, 5)
    before = other.read_bytes()
    assert run(monkeypatch, "annotate", source, other, "--formats", "mp4") == 6
    assert "in.annotated.mp4 is being read" in capsys.readouterr().err
    assert other.read_bytes() == before


def test_annotate_writes_no_summary_over_its_video(source, monkeypatch, capsys):
    os.link(source, "in.summary.json")
    before = source.read_bytes()
    assert run(monkeypatch, "annotate", source, "--formats", "csv") == 6
    assert source.read_bytes() == before


def test_annotate_does_a_video_once_that_is_named_through_a_link_too(source, monkeypatch, capsys):
    (source.parent / "again").symlink_to(source.parent / "sub")
    shutil.copy(source, "sub/clip.mp4")
    assert run(monkeypatch, "annotate", "sub/clip.mp4", "again/clip.mp4", "--formats", "csv") == 0
    assert capsys.readouterr().out.count("clip.mp4: ") == 1


def test_bench_keeps_the_report_that_it_compares_with(tmp_path, monkeypatch, capsys):
    older = tmp_path / "older.json"
    older.write_text("{}")
    assert run(monkeypatch, "bench", "--quick", "--compare", older, "--json", older) == 6
    assert "older.json is being read" in capsys.readouterr().err
    new = tmp_path / "new"
    assert run(monkeypatch, "bench", "--quick", "--json", new, "--markdown", new) == 6
    assert older.read_text() == "{}"


def test_export_keeps_what_it_reads(tmp_path, monkeypatch, capsys):
    pytest.importorskip("keras", reason="needs the extra 'train'")
    trained = tmp_path / "model.keras"
    trained.write_bytes(b"weights")
    os.link(trained, tmp_path / "eyes.onnx")
    assert run(monkeypatch, "export", "eyes", trained, "-o", tmp_path) == 6
    assert "is being read" in capsys.readouterr().err


def test_dataset_train_and_evaluate_keep_what_they_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    faces, trained = tmp_path / "faces", tmp_path / "runs" / "eyes" / "model.keras"
    faces.mkdir()
    assert run(monkeypatch, "dataset", faces, "-o", "./faces") == 6
    trained.parent.mkdir(parents=True)
    trained.write_bytes(b"weights")
    assert run(monkeypatch, "train", "eyes", "--start-from", trained) == 6
    assert run(monkeypatch, "train", "lips", "--teacher", trained.parent, "--run", trained.parent) == 6
    (faces / "manifest.parquet").write_bytes(b"rows")
    os.link(faces / "manifest.parquet", "report.md")
    assert run(monkeypatch, "evaluate", faces, "-o", tmp_path, "--overwrite") == 6
    assert capsys.readouterr().err.count("is being read") == 4
    assert (trained.read_bytes(), (faces / "manifest.parquet").read_bytes()) == (b"weights", b"rows")


def test_names_that_differ_in_case_are_one_where_the_disk_says_so(tmp_path, monkeypatch):
    first, second = tmp_path / "Clip.csv", tmp_path / "clip.CSV"
    assert second not in FileSet([first])
    monkeypatch.setattr(apart, "_ignores_case", lambda folder: True)
    assert second in FileSet([first])
    assert tmp_path / "other.csv" not in FileSet([first])
    # The same letter, written as one sign and as two.
    assert tmp_path / "e\u0301.csv" in FileSet([tmp_path / "\u00e9.csv"])


def test_whether_a_disk_ignores_case_is_tried(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    assert not apart._ignores_case(folder)
    (tmp_path / "FOLDER").symlink_to(folder)
    assert apart._ignores_case(folder / "to" / "be" / "made")


def test_devices_may_be_written_to_by_several():
    null = apart.Path(os.devnull)
    keep_apart([null], [null, null])


def test_what_cannot_be_looked_at_is_left_to_those_who_open_it(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    keep_apart([tmp_path / "x"], [tmp_path / "a", tmp_path / ("n" * 300)])


def test_many_files_are_each_looked_at_a_few_times(tmp_path, monkeypatch):
    """Each with each would be minutes for a study of hundreds of videos."""
    looks = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda path, *given: looks.append(path) or resolve(path, *given))
    keep_apart([tmp_path / f"{n}.mp4" for n in range(100)], [tmp_path / f"{n}.csv" for n in range(100)])
    assert len(looks) < 1000
    with pytest.raises(SinkError, match="would be written twice"):
        keep_apart([], [tmp_path / "a.csv", *(tmp_path / f"{n}.csv" for n in range(9)), tmp_path / "./a.csv"])
