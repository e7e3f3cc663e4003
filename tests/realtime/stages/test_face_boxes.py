"""Boxes around faces, and which of them are the same face."""

import numpy as np
import pytest

from emotion.models.faces.picture import Landmarks
from emotion.realtime.stages.face_boxes import among, apart, corners, overlap, side


def face_of(points):
    count = len(points)
    return Landmarks(np.asarray(points, np.float32), np.zeros(count, np.float32), np.zeros(52, np.float32))


def box(*values):
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (box(0, 0, 10, 10), 1.0),
        (box(5, 0, 15, 10), 1 / 3),
        (box(0, 5, 10, 15), 1 / 3),
        (box(5, 5, 15, 15), 1 / 7),
        (box(2, 2, 7, 6), 0.2),
        (box(10, 0, 20, 10), 0.0),
        (box(20, 20, 30, 30), 0.0),
        (box(20, 2, 30, 8), 0.0),
    ],
)
def test_two_boxes_have_a_share_of_their_union_in_common(other, share):
    one = box(0, 0, 10, 10)
    assert overlap(one, other) == overlap(other, one) == pytest.approx(share)


def test_a_box_is_around_all_landmarks_and_as_large_as_its_longer_side():
    points = np.array([(3, 9), (8, 2), (5, 5)], np.float32)
    face = Landmarks(points, np.zeros(3, np.float32), np.zeros(52, np.float32))
    np.testing.assert_array_equal(corners(face), box(3, 2, 8, 9))
    assert side(corners(face)) == 7
    assert side(box(0, 0, 9, 4)) == 9


# Of two squares of 10 that share s columns: s / (20 - s); three tenths are reached with 4.6.
@pytest.mark.parametrize(("shared", "same"), [(4.5, False), (4.7, True)])
def test_boxes_that_share_three_tenths_are_of_one_face(shared, same):
    points = np.array([(0, 0), (10, 10)], np.float32)
    face = face_of(points)
    there = box(10 - shared, 0, 20 - shared, 10)
    assert among(there, [face]) is same
    assert not among(there, [])
    other, third = face_of(points + box(10 - shared, 0)), face_of(points + box(0, 30))
    assert apart([other, third], [face_of(points - 50), face]) == ([third] if same else [other, third])


def test_where_nobody_is_known_all_are_apart():
    face = face_of(np.array([(0, 0), (10, 10)], np.float32))
    assert apart([face], []) == [face]
    assert apart([], [face]) == []
