"""Whole files from stores and to them, by the back ends that fsspec has for tests."""

import os
from types import SimpleNamespace

import fsspec
import pytest

from emotion import stores
from emotion.inputs import find_inputs
from emotion.models.errors import MissingDependencyError
from emotion.realtime.errors import SinkError, SourceError
from emotion.study.stand_ins import StandIns


@pytest.fixture(params=["memory", "local", "s3"])
def home(request, tmp_path):
    """The address of an empty folder of a store."""
    if request.param == "s3":
        request.getfixturevalue("s3")
        yield "s3://bucket/home"
        return
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield f"memory://{tmp_path.name}" if request.param == "memory" else f"local://{tmp_path}/store"
    memory.store.clear()


def opened(address):
    """As this program opens it, which is once for all."""
    return fsspec.core.url_to_fs(address, use_listings_cache=False)


def write(address, data=b"data"):
    system, path = opened(address)
    system.makedirs(path.rpartition("/")[0], exist_ok=True)
    with system.open(path, "wb") as file:
        file.write(data)


def read(address):
    system, path = opened(address)
    return system.cat_file(path)


def test_a_file_goes_there_and_comes_back_with_its_time(home, tmp_path):
    (tmp_path / "made.csv").write_bytes(b"1,2")
    stores.put(tmp_path / "made.csv", f"{home}/deep/made.csv")
    found = stores.find(f"{home}/deep/made.csv")
    assert found.bytes == 3
    path = stores.fetch(f"{home}/deep/made.csv", tmp_path / "back.csv")
    assert path.read_bytes() == b"1,2"
    assert path.stat().st_mtime_ns == found.changed_ns > 0
    assert [one for one, _ in stores.listed(f"{home}/", True)] != []
    # Nothing is left under a partial name, and a second one replaces the first.
    (tmp_path / "made.csv").write_bytes(b"3")
    stores.put(tmp_path / "made.csv", f"{home}/deep/made.csv")
    assert read(f"{home}/deep/made.csv") == b"3"
    assert len(stores.listed(f"{home}/", True)) == 1


def test_what_is_not_there_is_said(home, tmp_path):
    assert stores.find(f"{home}/none.mp4") is None
    with pytest.raises(SourceError, match=r"none\.mp4 is not there"):
        stores.fetch(f"{home}/none.mp4", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_store_that_takes_nothing_is_said_and_leaves_no_part(home, tmp_path, monkeypatch):
    (tmp_path / "made.csv").write_bytes(b"1")
    write(f"{home}/there.txt")
    system = opened(home)[0]

    def refuse(*_given, **_chosen):
        raise PermissionError("forbidden")

    monkeypatch.setattr(system, "put_file" if home.startswith("s3") else "mv", refuse)
    with pytest.raises(SinkError, match=r"made\.csv cannot be written \(forbidden\)"):
        stores.put(tmp_path / "made.csv", f"{home}/made.csv")
    with pytest.raises(SinkError, match="cannot be written"):
        stores.check_takes(home)
    assert [one.rpartition("/")[2] for one, _ in stores.listed(f"{home}/")] == ["there.txt"]


def test_a_place_in_a_store_is_tried_out_without_a_trace(home):
    write(f"{home}/there.txt")
    stores.check_takes(home)
    assert len(stores.listed(f"{home}/")) == 1


def test_no_bucket_is_made_and_a_missing_one_is_said(s3, tmp_path):
    (tmp_path / "made.csv").write_bytes(b"1")
    for go in (
        lambda: stores.put(tmp_path / "made.csv", "s3://other/made.csv"),
        lambda: stores.check_takes("s3://other/study"),
    ):
        with pytest.raises(
            SinkError, match=r"s3://other/.* cannot be written \(.*bucket does not exist.*check"
        ):
            go()
    for address in ("s3://other/", "s3://other/clips/", "s3://other/*.mp4"):
        with pytest.raises(SourceError, match=r"s3://other/.* is not there"):
            stores.listed(address)
    assert stores.find("s3://other/clip.mp4") is None
    assert not s3.exists("other")


def test_a_folder_that_may_not_be_looked_into_is_not_an_empty_one(s3, monkeypatch):
    async def refuse(*_given, **_chosen):
        raise PermissionError("Access Denied")

    monkeypatch.setattr(s3, "_lsdir", refuse)
    for address in ("s3://bucket/clips/", "s3://bucket/clips/*.mp4"):
        with pytest.raises(SourceError, match=r"cannot be read \(Access Denied\)"):
            stores.listed(address)


def test_without_credentials_nothing_is_read(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setattr(type(s3), "_cache", {})
    for go in (stores.listed, stores.find):
        with pytest.raises(SourceError, match=r"cannot be read \(Unable to locate credentials"):
            go("s3://bucket/clip.mp4")


def test_a_folder_or_a_pattern_of_a_store_is_as_one_of_this_machine(home):
    for name in ("b 10.mp4", "b 2.mp4", "deep/c.jpg", "notes.txt", "b 2.emotions.mp4", ".hidden.mp4"):
        write(f"{home}/{name}")
    with StandIns() as stand_ins:

        def found(*names, recursive=False):
            inputs = find_inputs(names, recursive, fetch=stand_ins.of)
            assert all(one.fetched for one in inputs)
            return [(one.path.name, one.kind, str(one.below)) for one in inputs]

        assert found(home) == [("b 2.mp4", "video", "."), ("b 10.mp4", "video", ".")]
        assert found(f"{home}/", recursive=True)[2] == ("c.jpg", "photograph", "deep")
        assert found(f"{home}/*.mp4") == found(home)
        assert found(f"{home}/b 2.mp4") == [("b 2.mp4", "video", ".")]
        with pytest.raises(SourceError, match="holds no photograph and no video"):
            found(f"{home}/*.txt")
        with pytest.raises(SourceError, match="none/ is not there"):
            found(f"{home}/none/")


@pytest.mark.parametrize("named", ["clips/", "clips", "clips/*.mp4"])
@pytest.mark.parametrize(
    ("home", "inside"),
    [("s3://bucket", "bucket"), ("sftp://me@host", ""), ("hdfs://", ""), ("memory://bucket", "/bucket")],
)
def test_what_a_store_lists_keeps_host_and_form_of_the_address(monkeypatch, home, inside, named):
    system = SimpleNamespace(isfile=lambda _path: False, isdir=lambda _path: True)
    system.glob = system.find = lambda path, **_chosen: [f"{inside}/clips/a.mp4"]
    monkeypatch.setattr(stores, "_opened", lambda _address: (system, f"{inside}/{named.rstrip('/')}"))
    assert [one for one, _ in stores.listed(f"{home}/{named}")] == [f"{home}/clips/a.mp4"]


def test_stand_ins_say_what_they_stand_for_and_are_gone_at_the_end(home, tmp_path):
    with StandIns() as stand_ins:
        path = stand_ins.of(f"{home}/a/b.mp4")
        assert stand_ins.address(path) == f"{home}/a/b.mp4"
        assert stand_ins.address(path.with_suffix(".csv")).endswith("/a/b.csv")
        assert stand_ins.address(tmp_path / "x") == str(tmp_path / "x")
        folder = stand_ins.of(home)
        write(f"{home}/log.jsonl")
        stand_ins.bring(folder, ["log.jsonl", "none.csv"])
        assert [one.name for one in folder.iterdir()] == ["log.jsonl"]
        (folder / "videos.csv").write_text("1")
        stand_ins.take(folder, ["videos.csv", "none.csv"])
        assert read(f"{home}/videos.csv") == b"1"
        stand_ins.take(tmp_path, ["x"])  # no store: it lies where it belongs
    assert not os.path.exists(folder)


def test_an_error_names_an_address_and_no_path_that_stands_for_it(home):
    with pytest.raises(SinkError) as reported, StandIns() as stand_ins:
        raise SinkError(f"{stand_ins.of(f'{home}/my study/study.html')} would be replaced.")
    assert str(reported.value) == f"{home}/my study/study.html would be replaced."
    with pytest.raises(SinkError, match=r"^a\.mp4 is gone$"), StandIns():
        raise SinkError("a.mp4 is gone")


def test_the_package_of_a_store_is_named_where_it_is_missing():
    with pytest.raises(MissingDependencyError, match=r"\[cloud\]"):
        stores.find("gs://bucket/clip.mp4")
