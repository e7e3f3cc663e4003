"""`emotion.annotate_files`: what the command writes, by a call; also after a run that was killed."""

import shutil

import numpy as np
import pytest

import emotion
from emotion.models.data.image_io import write_png
from emotion.realtime.session.policies import EachAlone, EveryFrame
from tests.fakes.no_stages import NO_MODELS, NobodyThere
from tests.helpers.clips import clip

FORMATS = ("mp4", "csv")


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    for policy in (EveryFrame, EachAlone):
        monkeypatch.setattr(policy, "stages", lambda self, models, options: [NobodyThere()])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        clip(tmp_path / "in" / f"{name}.mp4", 12)
    return tmp_path / "in"


def annotated(folder, **options):
    out = folder.parent / "out"
    return emotion.annotate_files(folder, out, formats=FORMATS, models=NO_MODELS, **options)


def names(folder):
    return sorted(path.name for path in (folder.parent / "out").iterdir())


WHOLE = sorted(
    f"{name}.{kind}" for name in "abc" for kind in ("annotated.mp4", "emotions.csv", "summary.json")
)


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


def test_nothing_of_the_users_is_replaced(folder):
    out = folder.parent / "out"
    out.mkdir()
    (out / "b.emotions.csv").write_text("mine")
    with pytest.raises(emotion.SinkError, match="would be replaced"):
        annotated(folder)
    assert names(folder) == ["b.emotions.csv"]
    annotated(folder, overwrite=True)
    assert names(folder) == WHOLE


def test_options_have_the_commands_words(folder):
    made = annotated(folder, every="250ms", start=0.1)
    rows = made.files[str(folder / "a.mp4")][1].read_text().splitlines()
    assert 2 <= len(rows) - 1 < 6
    with pytest.raises(emotion.OptionError, match="evry"):
        annotated(folder, evry=1)


def test_a_source_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(emotion.SourceError, match="does not exist"):
        emotion.annotate_files(tmp_path / "no.mp4", models=NO_MODELS)


def test_after_a_kill_what_is_done_is_passed_over_and_the_rest_is_made(folder, monkeypatch):
    out, left = folder.parent / "out", folder.parent / "left"

    class Killed(NobodyThere):
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
