import numpy as np

from emotion.benchmarks.studies.fingerprints import guessed, lowest, mistaken, recognised


def test_the_lowest_frequencies_are_those_of_a_smaller_square():
    assert lowest(16).all()
    assert np.flatnonzero(lowest(2)).tolist() == [0, 1, 16, 17]


def test_a_person_is_recognised_by_the_nearest_portrait_with_another_label():
    bits = np.zeros((5, 256), bool)
    bits[[1, 3], :9] = True
    rows = [
        {"source": f"set/{name}.jpg", "label": label}
        for name, label in (
            ("1_a", "rest"),
            ("2_a", "rest"),
            ("1_b", "smile"),
            ("2_b", "smile"),
            ("3_a", "rest"),
        )
    ]
    assert recognised(rows, bits) == 1
    bits[3, :9] = False
    assert recognised(rows, bits) < 1


def test_pixels_that_follow_from_bits_are_guessed():
    random = np.random.default_rng(0)
    bits = random.random((900, 256)) > 0.5
    pixels = (bits @ random.normal(size=(256, 4))).astype(np.float32)
    assert (
        np.corrcoef(guessed(bits[:800], pixels[:800], bits[800:]).ravel(), pixels[800:].ravel())[0, 1] > 0.9
    )


def test_few_bits_take_other_faces_for_copies():
    bits = np.random.default_rng(0).random((300, 256)) > 0.5
    bits[1] = bits[0]
    assert mistaken(bits, lowest(16)) == (0, 0, 300 * 299 // 2 - 1)
    _, wrong, _ = mistaken(bits, lowest(2))
    assert wrong > 1000
