"""Files of a model folder that somebody made to hang, exhaust or confuse the program."""

import errno
import os

import pytest

from emotion.models import small_files
from emotion.models.errors import ModelFileError
from emotion.models.manifest import read_manifest, voting_regions
from emotion.models.small_files import MIB, check_regular, read_json, sha256
from emotion.models.voting.vote import VoteWeights

READERS = [
    pytest.param("lips.json", lambda folder: read_manifest(folder, "lips"), id="manifest"),
    pytest.param("weights.json", VoteWeights.read, id="weights"),
]


@pytest.mark.parametrize(("name", "read"), READERS)
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"region": "l\xe8vres"}', "utf-8"),
        (b"", "Expecting value"),
        (b"[1, 2]", "no object"),
        (b"9" * 5000, "digits"),
        (b"\xff\xfe{\x00}\x00", "utf-8"),
    ],
)
def test_a_text_of_any_kind_ends_in_a_sentence(tmp_path, name, read, data, reason):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelFileError, match=f"{name} is not a .*{reason}"):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize(("name", "read"), READERS)
def test_devices_and_pipes_are_not_waited_for(tmp_path, name, read):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ModelFileError, match="no regular file"):
        read(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(ModelFileError, match="no regular file"):
        read(tmp_path)


@pytest.mark.parametrize(("name", "read"), READERS)
@pytest.mark.parametrize(
    ("code", "said"), [(errno.EMFILE, "Let the program open more"), (errno.EACCES, "Check its permissions")]
)
def test_a_file_is_not_blamed_for_what_the_machine_lacks(monkeypatch, tmp_path, name, read, code, said):
    def refuse(path, limit=0):
        raise OSError(code, os.strerror(code), str(path))

    (tmp_path / name).touch()
    monkeypatch.setattr(small_files, "check_regular", refuse)
    with pytest.raises(ModelFileError, match=rf"{name} cannot be read .*{said}"):
        read(tmp_path)


@pytest.mark.parametrize(("name", "read"), READERS)
def test_what_is_too_large_is_not_read(tmp_path, name, read):
    with open(tmp_path / name, "wb") as file:
        file.truncate(17 * MIB)
    with pytest.raises(ModelFileError, match="more than 16 MiB"):
        read(tmp_path)


def test_a_model_is_a_regular_file_too(tmp_path):
    with pytest.raises(OSError, match="no regular file"):
        sha256(tmp_path)
    (tmp_path / "small").write_bytes(b"x")
    check_regular(tmp_path / "small")
    (tmp_path / "small.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "small.json") == {"a": 1}


@pytest.mark.parametrize("regions", ["5", '"eyes"', "[1]", "[]", "[[]]", "null"])
def test_regions_that_are_no_names_are_refused(tmp_path, regions):
    (tmp_path / "weights.json").write_text(f'{{"regions": {regions}}}')
    with pytest.raises(ModelFileError, match="no names"):
        voting_regions(tmp_path)


def test_a_manifest_of_any_region_may_be_no_name(tmp_path):
    (tmp_path / "lips.json").write_text('{"region": ["lips"]}')
    assert voting_regions(tmp_path) == ("eyes", "lips")
