"""Files that a command leaves: listed with checksums, and replaced only where they are as it left them."""

import json

import pytest

from emotion.own_files import OwnFiles
from emotion.realtime.errors import SinkError
from emotion.realtime.sinks.result_sources import Source

NAMES = ("report.md", "sheet.jpg")


def test_what_is_its_own_is_replaced_and_what_was_changed_is_not(tmp_path):
    folder = tmp_path / "new" / "out"
    OwnFiles(folder, NAMES, "report", False).write({"report.md": "one"}, {"faces": 1})
    (paths,) = [OwnFiles(folder, NAMES, "report", False).write({"report.md": "two", "sheet.jpg": b"2"}, {})]
    assert [path.read_text() for path in paths] == ["two", "2"]
    listed = json.loads((folder / "report.summary.json").read_text())
    assert listed["complete"]
    assert set(listed["results"]) == set(NAMES)
    (folder / "sheet.jpg").write_text("mine")
    with pytest.raises(SinkError, match=r"sheet\.jpg would be replaced"):
        OwnFiles(folder, NAMES, "report", False)
    OwnFiles(folder, NAMES, "report", True).write({"sheet.jpg": b"3"}, {})
    assert sorted(path.name for path in folder.iterdir()) == ["report.md", "report.summary.json", "sheet.jpg"]


def test_another_folders_report_does_not_take_its_place(tmp_path):
    first, second = (Source(tmp_path / name) for name in ("one", "two"))
    for one in (first, second):
        one.path.mkdir()
    OwnFiles(tmp_path / "out", NAMES, "report", False, [first]).write({"report.md": "one"}, {})
    with pytest.raises(
        SinkError, match=r"report\.md is of .*one, and would be .* of .*two: name [^,]*, or say"
    ):
        OwnFiles(tmp_path / "out", NAMES, "report", False, [second])
    OwnFiles(tmp_path / "out", NAMES, "report", False, [first])


def test_a_file_of_the_users_stops_it_before_it_begins(tmp_path):
    (tmp_path / "report.md").write_text("mine")
    with pytest.raises(SinkError, match="would be replaced"):
        OwnFiles(tmp_path, NAMES, "report", False)
