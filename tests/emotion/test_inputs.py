"""What a user names, as files."""

import os

import pytest

from emotion.inputs import Input, find_inputs, kind_of, natural, place_of
from emotion.realtime.errors import SourceError
from tests.helpers.pictures import moving_pictures, smooth_jpeg


@pytest.fixture
def folder(tmp_path):
    """Photographs and videos, in a folder with folders; nothing in them is looked at."""
    for name in (
        *("take 10.mp4", "take 2.MP4", "b.jpg", "B.png", "notes.txt", ".hidden.jpg", "list.csv"),
        *("take 2.annotated.mp4", "b.annotated.jpg", "take 3.annotated.partial.mp4"),
        *("deep/c.jpg", "deep/er/d.mov", ".cache/e.jpg"),
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
    return tmp_path / "in"


def names(inputs, folder):
    return [os.path.relpath(one.path, folder) for one in inputs]


def test_a_folder_comes_in_natural_order_without_results_and_hidden_files(folder):
    reported = []
    found = find_inputs([folder], say=reported.append)
    assert names(found, folder) == ["b.jpg", "B.png", "take 2.MP4", "take 10.mp4"]
    assert [one.kind for one in found] == ["photograph", "photograph", "video", "video"]
    assert any("3 results of this program are skipped" in sentence for sentence in reported)
    assert any("--recursive" in sentence for sentence in reported)


def test_folders_of_folders_are_mirrored(folder):
    found = find_inputs([folder], recursive=True)
    assert names(found, folder)[-2:] == ["deep/c.jpg", "deep/er/d.mov"]
    places = [str(place_of(one, folder / "out").relative_to(folder)) for one in found]
    assert places[-3:] == ["out", "out/deep", "out/deep/er"]
    assert place_of(found[-1], None) == folder / "deep" / "er"


def test_folders_that_are_links_are_looked_into_as_requested(folder):
    (folder / "deep").rename(folder.parent / "elsewhere")
    (folder / "linked").symlink_to(folder.parent / "elsewhere")
    reported = []
    find_inputs([folder], say=reported.append)
    assert any("--recursive" in sentence for sentence in reported)
    found = find_inputs([folder], recursive=True)
    assert names(found, folder)[-1:] == ["linked/er/d.mov"]
    assert found[-1].below.as_posix() == "linked/er"


def test_a_tilde_begins_names_of_files_too(folder, monkeypatch):
    """As copies of editors and of office programs do; no user has the rest of it as a name."""
    monkeypatch.chdir(folder)
    for name in ("~b.jpg", "~list.txt"):
        (folder / name).write_bytes(b"~b.jpg")
    assert names(find_inputs(["~b.jpg"]), folder) == ["~b.jpg"]
    assert names(find_inputs(["~list.txt"]), folder) == ["~b.jpg"]
    assert names(find_inputs(["~b*.jpg"]), folder) == ["~b.jpg"]


def test_a_pattern_means_what_fits(folder):
    assert names(find_inputs([f"{folder}/*.jpg"]), folder) == ["b.jpg"]
    assert names(find_inputs([f"{folder}/**/*.jpg"]), folder) == ["b.jpg", "deep/c.jpg"]
    with pytest.raises(SourceError, match=r"No file fits .*\*\.bmp"):
        find_inputs([f"{folder}/*.bmp"])


def test_a_name_with_brackets_that_is_there_is_no_pattern(tmp_path):
    (tmp_path / "clip[1].mp4").write_bytes(b"0")
    (one,) = find_inputs([tmp_path / "clip[1].mp4"])
    assert one.path.name == "clip[1].mp4"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "# two of them\nb.jpg\n\n  take 2.MP4  \n"),
        ("list.csv", "id,file\n1,b.jpg\n2,take 2.MP4\n"),
        ("list.csv", "b.jpg;happy\ntake 2.MP4;sad\n"),
        ("list.tsv", "\ufefflabel\tPath\nhappy\tb.jpg\nsad\ttake 2.MP4\n"),
        ("list.csv", "name,Video file\nAnna,b.jpg\nBen,take 2.MP4\n"),
        ("list.csv", "who,recording\nAnna,b.jpg\nBen,take 2.MP4\n"),
        ("list.csv", "Anna,b.jpg\nBen,take 2.MP4\n"),
        ("list.txt", "file://{folder}/b.jpg\n{folder}/take 2.MP4\n"),
    ],
)
def test_a_list_names_files_from_where_it_stands(folder, name, text):
    text = text.replace("{folder}", str(folder))
    (folder / name).write_text(text, encoding="utf-8")
    assert names(find_inputs([folder / name]), folder) == ["b.jpg", "take 2.MP4"]


def test_a_list_in_a_list_counts_from_its_own_place_and_none_ends_in_itself(folder):
    (folder / "all.txt").write_text("deep/some.txt\ntake 2.MP4\n")
    (folder / "deep" / "some.txt").write_text("c.jpg\n../all.txt\n")
    failures = []
    found = find_inputs([folder / "all.txt"], failed=failures.append)
    assert names(found, folder) == ["deep/c.jpg", "take 2.MP4"]
    assert ["names itself" in str(one) for one in failures] == [True]


def test_a_line_of_a_list_that_fails_does_not_end_the_list(folder):
    (folder / "all.txt").write_text("b.jpg\n*.bmp\ntake 2.MP4\n")
    failures = []
    found = find_inputs([folder / "all.txt"], failed=failures.append)
    assert names(found, folder) == ["b.jpg", "take 2.MP4"]
    assert "No file fits" in str(failures[0])


def test_each_file_comes_once_whatever_names_it(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = find_inputs(["b.jpg", ".", f"{folder}/b.jpg", "deep/../b.jpg"])
    assert names(found, folder)[:2] == ["b.jpg", "B.png"]
    assert len(found) == 4


def test_what_is_not_there_is_left_for_reading_to_name(tmp_path):
    (one,) = find_inputs([tmp_path / "none.mp4"])
    assert one == Input(tmp_path / "none.mp4", "video", itself=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no source: name a video"),
        ("0", "emotion live 0"),
        ("rtsp://host/stream", "emotion live"),
    ],
)
def test_what_is_no_file_is_told_what_would_be(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=said):
        find_inputs([name])


def test_a_source_that_fails_does_not_end_the_others(folder):
    empty = folder / "empty"
    empty.mkdir()
    failures = []
    found = find_inputs([empty, folder / "b.jpg"], failed=failures.append)
    assert names(found, folder) == ["b.jpg"]
    assert "holds no photograph" in str(failures[0])


def test_pictures_in_formats_that_are_not_read_are_reported(folder):
    reported = []
    for name in ("raw.NEF", "new.jxl", "old.jxl", "notes.docx"):
        (folder / name).write_bytes(b"0")
    assert len(find_inputs([folder], say=reported.append)) == 4
    said = "3 pictures in a format that is not read (.jxl, .nef) are skipped: save as JPEG, PNG or TIFF."
    assert f"{folder}: {said}" in reported


def test_what_has_to_be_fetched_is_a_copy_whose_results_go_elsewhere(tmp_path):
    copy = tmp_path / "clip.mp4"
    copy.write_bytes(b"0")
    asked = []
    (one,) = find_inputs(["https://host/clip.mp4"], fetch=lambda name: asked.append(name) or copy)
    assert asked == ["https://host/clip.mp4"]
    assert str(place_of(one, None)) == "."
    assert one.with_name(f"{copy} is damaged.") == "https://host/clip.mp4 is damaged."


def test_standard_input_is_called_so(tmp_path):
    (one,) = find_inputs(["-"], fetch=lambda name: tmp_path / "stdin")
    assert one.with_name(f"{tmp_path / 'stdin'} is empty.") == "standard input is empty."


def test_what_a_file_is_is_told_by_its_beginning_where_its_name_does_not(tmp_path):
    (tmp_path / "face").write_bytes(smooth_jpeg())
    (tmp_path / "talk").write_bytes(b"\0\0\0\x18ftypisom" + bytes(20))
    (tmp_path / "phone").write_bytes(b"\0\0\0\x18ftypheic" + bytes(20))
    kinds = {name: kind_of(tmp_path / name) for name in ("face", "talk", "phone", "none")}
    assert kinds == {"face": "photograph", "talk": "video", "phone": "photograph", "none": "video"}


def test_what_cannot_be_looked_into_is_told_by_its_ending(tmp_path):
    kinds = [kind_of(tmp_path / name) for name in ("a.gif", "a.png", "a.mp4", "a")]
    assert kinds == ["video", "photograph", "video", "video"]


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.apng", "a"])
def test_pictures_that_move_are_a_video_and_one_is_a_photograph_however_it_is_named(tmp_path, name):
    path, kind = tmp_path / name, "GIF" if name in ("a.gif", "a") else "PNG"
    for count, wanted in ((1, "photograph"), (3, "video")):
        path.write_bytes(moving_pictures(kind, count))
        patterns = [tmp_path] if path.suffix else []
        for named in (path, f"{tmp_path}/*", *patterns):
            assert [one.kind for one in find_inputs([named])] == [wanted], named


def test_numbers_in_names_count():
    assert sorted(["a10", "a2b", "A1", "a"], key=natural) == ["a", "A1", "a2b", "a10"]
