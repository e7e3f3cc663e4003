"""What releases measured, kept beside the benchmark."""

import json
from pathlib import Path

from emotion.benchmarks import history
from emotion.benchmarks.options import BenchOptions
from emotion.models.options import from_mapping

REPORT = {
    "machine": {"processor": "A processor", "cores": 2, "folder": "lite"},
    "clips": {
        "640x480, 1 face": {
            "bound_fps": 80.0,
            "runs": [{"name": "loop, one thread", "fps": 37.04}, {"name": "pipeline", "fps": 76.0}],
        }
    },
    "first_result": {"first_s": 2.5, "peak_mib": 440.4},
}


def test_the_table_has_a_row_a_release_the_oldest_first(tmp_path):
    for name in ("002-0.3.0-epyc.json", "001-0.2.0-epyc.json"):
        (tmp_path / name).write_text(json.dumps(REPORT))
    head, rule, *rows = history.table(tmp_path).splitlines()
    assert head.startswith("| release | processor | models | loop, one thread | pipeline |")
    assert set(rule) <= set("| -")
    assert [row.split(" | ")[0] for row in rows] == ["| 0.2.0", "| 0.3.0"]
    assert " 37.0 | 76.0 |  |  | 0.95 | 2.50 s | 440 |" in rows[0]
    assert len({line.count("|") for line in (head, rule, *rows)}) == 1


def test_last_is_the_report_of_the_last_release(monkeypatch, tmp_path):
    monkeypatch.setattr(history, "reports", lambda: [tmp_path / "001.json", tmp_path / "002.json"])
    assert from_mapping(BenchOptions, {"compare": "last"}).compare == tmp_path / "002.json"
    assert from_mapping(BenchOptions, {"compare": "old.json"}).compare == Path("old.json")
    monkeypatch.setattr(history, "reports", list)
    assert history.read_report("last") == Path("last")
