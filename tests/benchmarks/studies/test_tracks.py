import pytest

from emotion.benchmarks.studies import tracks as benchmark
from emotion.realtime.stages.tracker import Tracker


@pytest.mark.parametrize(
    ("scene", "most"), [("crossing", 0.1), ("behind something", 0.3), ("turning away", 0.0)]
)
def test_people_keep_their_numbers_in_nearly_all_scenes(scene, most):
    assert sum(benchmark.changes(scene, seed) for seed in range(40)) / 40 <= most


def test_a_tracker_that_forgets_is_found_out(monkeypatch):
    class Forgetful(Tracker):
        def assign(self, boxes, seconds):
            numbers = super().assign(boxes, seconds)
            self._tracks.clear()
            return numbers

    monkeypatch.setattr(benchmark, "Tracker", Forgetful)
    assert all(benchmark.changes(scene, 0) > 20 for scene in benchmark.SCENES)
