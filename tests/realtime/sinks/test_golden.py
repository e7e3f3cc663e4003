"""What is written is what was looked at and kept: any change of a file of results is meant."""

import pytest

from tests.helpers.golden_results import FILES, FOLDER


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_one_that_was_looked_at(name):
    assert FILES[name]() == (FOLDER / name).read_bytes().decode()


def test_each_file_that_is_kept_is_written():
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)
