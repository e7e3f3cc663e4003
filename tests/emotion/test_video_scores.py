import json
import shutil

import pytest

from emotion.cli import app as cli
from emotion.models.classes import EMOTIONS
from emotion.realtime.sources.demo import DEMO
from tests.helpers.clips import beginning, clip


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["emotion", "evaluate", *map(str, arguments)])
    return cli.run()


@pytest.fixture
def folder(tmp_path):
    """The beginning of the bundled clip under a name of the user's own, and a clip without a face."""
    (tmp_path / "clips" / "Tearful").mkdir(parents=True)
    (tmp_path / "clips" / "neutral").mkdir()
    beginning(DEMO, tmp_path / "clips" / "Tearful" / "demo.mp4", 48)
    clip(tmp_path / "clips" / "neutral" / "nobody.mp4", 10)
    return tmp_path / "clips"


def test_videos_are_evaluated_over_their_time(folder, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, folder, "--map", "tearful=sadness", "-o", tmp_path / "out") == 0
    values = json.loads((tmp_path / "out" / "report.json").read_text())
    (video,) = values["videos"]
    assert (video["name"], video["label"]) == ("clips/Tearful/demo.mp4", "sadness")
    assert set(video["strength"]) == set(EMOTIONS)
    assert sum(video["strength"].values()) == pytest.approx(1, abs=0.01)
    assert video["predicted"] == max(video["strength"], key=video["strength"].get)
    assert values["missing"] == {"neutral": 1}
    assert values["scores"]["vote"]["faces"] == 1
    assert values["scores"]["vote"]["accuracy"]["value"] == (video["predicted"] == "sadness")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "clips/Tearful/demo.mp4" in page
    assert "in 1 more video no face was found (not counted)" in page
    assert "In 1 more no face could be found" in capsys.readouterr().out


def test_videos_without_a_face_end_in_a_sentence(folder, monkeypatch, capsys):
    shutil.rmtree(folder / "Tearful")
    assert run(monkeypatch, folder) == 3
    assert "Not one face was found in 1 video" in capsys.readouterr().err


def test_a_folder_of_neither_photographs_nor_videos_ends_in_a_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "fear").mkdir()
    assert run(monkeypatch, tmp_path) == 3
    assert "no photograph and no video" in capsys.readouterr().err


def test_a_video_that_breaks_off_counts_and_one_that_is_none_is_left_out(folder, monkeypatch, capsys):
    video = folder / "Tearful" / "demo.mp4"
    data = video.read_bytes()
    video.write_bytes(data[: len(data) // 3])
    (folder / "Tearful" / "none.mp4").write_bytes(b"no video")
    (folder / "neutral" / "other.flv").write_bytes(b"")
    assert run(monkeypatch, folder, "--map", "tearful=sadness") == 3
    said = capsys.readouterr()
    assert "1 video; by class" in said.out
    assert "clips/Tearful/demo.mp4 counts as far as it can be read: " in said.err
    assert "clips/Tearful/none.mp4 is left out: " in said.err
    assert "clips/neutral/other.flv is skipped: .flv is a format that is not read." in said.err
    assert "2 could not be read, or not to the end" in said.err
