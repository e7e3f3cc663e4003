"""How much boxes have in common."""

import numpy as np

from emotion.models.faces.boxes import overlaps


def test_a_box_with_itself_half_of_it_beside_it_and_nothing():
    boxes = np.array([(0, 0, 4, 2), (0, 0, 2, 2), (4, 0, 8, 2), (1, 1, 1, 1)], np.float32)
    assert overlaps(boxes[0], boxes).tolist() == [1.0, 0.5, 0.0, 0.0]


def test_two_without_an_area_have_nothing_in_common():
    nothing = np.zeros(4, np.float32)
    assert overlaps(nothing, nothing[None]).tolist() == [0.0]


def test_each_of_some_with_each_of_others():
    boxes = np.array([(0, 0, 4, 2), (0, 0, 2, 2), (4, 0, 8, 2)], np.float32)
    each = [overlaps(box, boxes[:2]) for box in boxes]
    np.testing.assert_array_equal(overlaps(boxes[:, None], boxes[:2]), each)
