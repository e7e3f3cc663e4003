import os
import sys

import pytest

from emotion.models.names import local, readable, shortened, without_name


@pytest.mark.parametrize("name", ["plain", "ä ö.mp4", "\n", "👩‍🚀", ""])
def test_unicode_is_left_alone(name):
    assert readable(name) == name


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode here")
def test_bytes_that_are_no_utf_8_are_written_out():
    assert readable(os.fsdecode(b"caf\xe9 \xc3\xa9")) == "caf\\xe9 é"


def test_names_are_cut_between_characters():
    assert shortened("short", 5) == "short"
    assert shortened("longer", 5) == "longe"
    assert shortened("ää", 3) == "ä"
    assert shortened("a😀", 4) == "a"
    assert shortened("a😀b", 5) == "a😀"


def test_a_sentence_goes_on_without_the_name_that_stands_above_it():
    assert without_name("clip.mp4: its end is cut.", "clip.mp4") == "Its end is cut."
    assert without_name("a face is left out.", "clip.mp4") == "A face is left out."


def test_an_address_of_a_file_is_its_path(tmp_path):
    path = tmp_path / "ä b#1 %20.jpg"
    path.touch()
    assert local(path.as_uri()) == local(path.as_uri().replace("file://", "FILE://localhost")) == str(path)
    # As programs write it that do not encode, too.
    assert local(f"file://{path}") == str(path)
    assert local("a%20b.jpg") == "a%20b.jpg"
    assert local("file:///none%20such") == "/none such"


@pytest.mark.skipif(os.name != "nt", reason="of Windows")
def test_an_address_of_a_file_may_begin_with_a_drive():
    assert local("file:///C:/a%20b.jpg") == "C:/a b.jpg"
