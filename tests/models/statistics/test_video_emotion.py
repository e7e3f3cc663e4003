import pytest

from emotion.models.statistics.video_emotion import VideoEmotion, strengths, video_emotion

STRENGTH = {"joy": 0.5, "calm": 0.3, "fear": 0.2}


def over_time(*moments):
    """Strengths of a video of moments that last alike, calm being the neutral state."""
    squares = {name: sum(moment[name] ** 2 for moment in moments) for name in moments[0]}
    return strengths(squares, "calm")


def test_the_strongest_names_the_video():
    assert video_emotion(STRENGTH, {"joy": 0.6, "calm": 0.4}) == VideoEmotion("joy", "joy", 0.5)


def test_a_low_strength_names_nothing():
    low = {"joy": 0.33, "calm": 0.33, "fear": 0.34 - 1e-9}
    mixed = {"joy": 0.4, "fear": 0.3, "calm": 0.3}
    assert video_emotion(low, mixed) == VideoEmotion("uncertain", "fear", 0.34 - 1e-9)


def test_one_name_for_most_of_the_time_is_enough_whatever_the_strength():
    low = {"joy": 0.33, "calm": 0.33, "fear": 0.34 - 1e-9}
    assert video_emotion(low, {"joy": 0.3, "calm": 0.1, "no_face": 0.6}).label == "joy"


def test_what_is_hinted_at_and_never_named_names_no_video():
    assert video_emotion(STRENGTH, {"calm": 1.0}) == VideoEmotion("calm", "joy", 0.5)
    assert video_emotion(STRENGTH, {"calm": 0.995, "joy": 0.005}).label == "calm"
    assert video_emotion(STRENGTH, {"calm": 0.5, "joy": 0.005, "no_face": 0.495}).label == "calm"
    assert video_emotion(STRENGTH, {"calm": 0.98, "joy": 0.02}).label == "joy"


def test_a_video_whose_faces_are_uncertain_is_uncertain():
    assert video_emotion(STRENGTH, {"joy": 0.1, "uncertain": 0.2, "no_face": 0.7}).label == "uncertain"
    assert video_emotion(STRENGTH, {"joy": 0.3, "uncertain": 0.2, "no_face": 0.5}).label == "joy"


def test_strengths_sum_to_one_and_do_not_depend_on_the_length():
    calm, joy = {"joy": 0.1, "calm": 0.8, "fear": 0.1}, {"joy": 0.9, "calm": 0.05, "fear": 0.05}
    once = over_time(calm, joy)
    assert sum(once.values()) == pytest.approx(1)
    assert over_time(calm, joy, calm, joy) == pytest.approx(once)


def test_a_clear_apex_outweighs_a_calm_face_before_and_after_it():
    calm, joy = {"joy": 0.1, "calm": 0.8, "fear": 0.1}, {"joy": 0.9, "calm": 0.05, "fear": 0.05}
    found = over_time(calm, calm, joy)
    assert max(found, key=found.__getitem__) == "joy"
    assert (0.1 + 0.1 + 0.9) / 3 < (0.8 + 0.8 + 0.05) / 3  # the mean says calm


def test_a_face_that_stays_calm_is_called_so():
    found = over_time(*[{"joy": 0.15, "calm": 0.6, "fear": 0.25}] * 5)
    assert max(found, key=found.__getitem__) == "calm"


def test_where_there_is_no_neutral_state_none_is_discounted():
    assert strengths({"a": 0.25, "b": 0.25}, None) == {"a": 0.5, "b": 0.5}
