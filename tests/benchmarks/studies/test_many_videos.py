import json

import pytest

from emotion.benchmarks.studies.many_videos import Ran, phases


def test_the_phases_of_a_study_are_read_from_its_log(tmp_path):
    events = ["start", "begun", "begun", "done", "failed", "end"]
    lines = [
        json.dumps({"time": f"2026-01-01T00:00:{second:02}.000+00:00", "event": event})
        for second, event in enumerate(events, start=2)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    ran = Ran(wall=8.0, began=1767225600.0)
    assert phases(tmp_path / "log.jsonl", ran) == pytest.approx((3.0, 3.0, 2.0))
