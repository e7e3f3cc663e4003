import gzip

from emotion.benchmarks.first_visit import markdown, visit


def test_a_visit_is_what_was_sent_and_what_kept_the_page_busy():
    bodies = [b"x" * 50_000, b"y" * 10_000]
    one = visit("camera", {"paint": 120.4, "whole": 300.6, "long": [60.2, 71.3]}, bodies)
    assert (one.paint_ms, one.whole_ms, one.requests, one.kilobytes, one.long_ms) == (120, 301, 2, 60.0, 132)
    assert one.compressed == round(sum(len(gzip.compress(body)) for body in bodies) / 1000, 1)
    assert f"| camera | 120 | 301 | 2 | 60.0 | {one.compressed} | 132 |" in markdown([one])
