"""What is known of a video before it has been read."""

from fractions import Fraction

import pytest

from emotion.realtime.media import VideoInfo


def info(frames=None, seconds=10.0, **more):
    return VideoInfo(
        path=None,
        width=64,
        height=48,
        time_base=Fraction(1, 1000),
        frame_count=frames,
        duration_seconds=seconds,
        **more,
    )


def expected(known, times):
    return [known.expected_frames(done, seconds) for done, seconds in enumerate(times, start=1)]


def test_a_steady_video_has_as_many_frames_as_it_says_from_the_first_one_on():
    times = [round(number / 29.97, 3) for number in range(300)]
    assert set(expected(info(300), times)) == {300}


@pytest.mark.parametrize("guess", [20, 200, None])
def test_a_video_whose_rate_varies_is_as_far_as_its_time_is(guess):
    slow, fast = [0.2 * n for n in range(25)], [5 + 0.02 * n for n in range(250)]
    times = slow + fast
    reported = expected(info(guess), times)
    shares = [done / total for done, total in enumerate(reported, start=1) if total]
    for share, seconds in list(zip(shares[-len(times) + 2 :], times[2:], strict=True)):
        assert share == pytest.approx(seconds / 10, abs=0.1)
    assert reported[-1] == len(times)
    assert all(total >= done for done, total in enumerate(reported, start=1) if total)


def test_a_part_goes_by_its_own_time():
    part = info(300, seconds=60, begin_pts=20_000, end_seconds=30.0)
    assert part.span == (20.0, 30.0)
    assert part.expected_frames(11, 25.0) == 20


def test_what_a_container_has_counted_holds_unless_there_are_more():
    known = info(50, is_counted=True)
    assert expected(known, [0.0, 9.0]) == [50, 50]
    assert known.expected_frames(51, 9.0) == 51


def test_behind_the_end_that_a_container_tells_nothing_is_known():
    assert info(100).expected_frames(150, 15.0) is None
    assert info(seconds=None).expected_frames(2, 1.0) is None
