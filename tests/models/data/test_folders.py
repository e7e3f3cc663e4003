"""What is below a folder."""

import pytest

from emotion.models.data.folders import files_below, walk


@pytest.fixture
def root(tmp_path):
    """A folder with a folder in it, a hidden one, and one elsewhere."""
    for name in ("root/a.jpg", "root/in/b.jpg", "root/.hidden/c.jpg", "root/._a.jpg", "elsewhere/deep/d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
    return tmp_path / "root"


def names(root):
    return [path.relative_to(root).as_posix() for path in files_below(root)]


def test_hidden_files_and_folders_are_left_out(root):
    assert names(root) == ["a.jpg", "in/b.jpg"]


def test_folders_are_found_through_symbolic_links(root):
    (root / "linked").symlink_to(root.parent / "elsewhere")
    assert names(root) == ["a.jpg", "in/b.jpg", "linked/deep/d.jpg"]


def test_a_folder_that_is_a_link_itself_is_looked_into(root):
    (root.parent / "link").symlink_to(root)
    assert names(root.parent / "link") == ["a.jpg", "in/b.jpg"]


@pytest.mark.parametrize("target", [".", "..", "in", "in/.."])
def test_a_link_to_what_is_found_anyway_or_to_a_folder_around_it_is_left_out(root, target):
    (root / "again").symlink_to(root / target)
    assert names(root) == ["a.jpg", "in/b.jpg"]


def test_links_that_lead_to_each_other_end(root):
    (root / "linked").symlink_to(root.parent / "elsewhere")
    (root.parent / "elsewhere" / "back").symlink_to(root)
    (root.parent / "elsewhere" / "deep" / "up").symlink_to(root.parent / "elsewhere")
    assert names(root) == ["a.jpg", "in/b.jpg", "linked/deep/d.jpg"]


def test_of_two_links_into_one_another_nothing_is_lost_and_nothing_comes_twice(root):
    (root.parent / "elsewhere" / "e.jpg").write_bytes(b"0")
    (root / "part").symlink_to(root.parent / "elsewhere" / "deep")
    (root / "whole").symlink_to(root.parent / "elsewhere")
    found = names(root)
    assert sorted(name.split("/")[-1] for name in found) == ["a.jpg", "b.jpg", "d.jpg", "e.jpg"]


def test_a_link_into_a_hidden_folder_is_followed(root):
    (root / "shown").symlink_to(root / ".hidden")
    assert names(root) == ["a.jpg", "in/b.jpg", "shown/c.jpg"]


def test_who_walks_chooses_the_folders(root):
    places = []
    for place, folders, _ in walk(root):
        places.append(place)
        folders.clear()
    assert places == [root]
