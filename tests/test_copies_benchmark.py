import cv2
import numpy as np

from benchmarks.copies import THRESHOLDS, fine_structure, nearest


def faces(count, seed):
    """Ovals with a texture of their own, uint8 (n, 96, 96)."""
    rng = np.random.default_rng(seed)
    oval = cv2.ellipse(np.zeros((96, 96), np.uint8), (48, 48), (40, 46), 0, 0, 360, 1, -1)
    noise = [cv2.GaussianBlur(rng.normal(0, 1, (96, 96)), (0, 0), 2) for _ in range(count)]
    return np.stack([np.clip(120 + 150 * one, 5, 255).astype(np.uint8) * oval for one in noise])


def test_a_toned_copy_is_known_and_a_stranger_is_not():
    learnt, strangers = faces(5, seed=0), faces(5, seed=1)
    toned = np.where(learnt > 0, 30 + 0.7 * learnt, 0).astype(np.uint8)
    best, whose = nearest(fine_structure(toned), fine_structure(learnt))
    assert whose.tolist() == list(range(5))
    assert best.min() > max(THRESHOLDS)
    best, _ = nearest(fine_structure(strangers), fine_structure(learnt))
    assert best.max() < min(THRESHOLDS)
