"""Files that are whole, or not there."""

import os

import pytest

from emotion.models.atomic_files import atomic_output, partial_path, write_atomically


def test_a_file_is_replaced_by_a_whole_one(tmp_path):
    path = tmp_path / "report.json"
    write_atomically(path, "ä\n")
    write_atomically(path, b"again")
    assert path.read_bytes() == b"again"
    assert list(tmp_path.iterdir()) == [path]


def test_until_it_is_whole_it_lies_beside_and_what_was_stays(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("before")
    with atomic_output(path) as made:
        made.write_text("half")
        assert (path.read_text(), made) == ("before", partial_path(path))
    assert path.read_text() == "half"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_of_what_fails_nothing_stays(tmp_path, error):
    path = tmp_path / "report.json"
    path.write_text("before")
    with pytest.raises(error), atomic_output(path) as made:
        made.write_text("half")
        raise error
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_the_partial_name_is_left_alone(tmp_path):
    path = tmp_path / "report.json"
    partial_path(path).write_text("the user's")
    write_atomically(path, "report")
    assert partial_path(path).read_text() == "the user's"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.name == "nt", reason="no such permissions here")
def test_it_has_the_permissions_that_files_have(tmp_path):
    (tmp_path / "usual").touch()
    write_atomically(tmp_path / "report.json", "report")
    assert (tmp_path / "report.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no devices here")
def test_a_device_is_written_to(tmp_path):
    (tmp_path / "link").symlink_to("/dev/null")
    write_atomically(tmp_path / "link", "report")
    assert (tmp_path / "link").is_symlink()


def test_a_name_as_long_as_may_be_is_written_whole_too(tmp_path):
    path = tmp_path / ("a" * 251 + ".png")
    with atomic_output(path) as made:
        made.write_bytes(b"whole")
        assert ".partial" in made.name
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]
