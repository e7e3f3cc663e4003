import pytest

from emotion.models.classes import EMOTIONS, SIX, UNCERTAIN, Classes


def test_the_six_that_ship_are_the_default_of_their_names():
    assert Classes(EMOTIONS) == SIX
    assert hash(Classes(EMOTIONS)) == hash(SIX)
    assert list(SIX) == ["happiness", "sadness", "fear", "anger", "neutral", "surprise"]
    assert (len(SIX), SIX[3], SIX.index("anger"), SIX.neutral) == (6, "anger", 3, "neutral")
    assert SIX.labels == (*EMOTIONS, UNCERTAIN)
    assert "fear" in SIX
    assert UNCERTAIN not in SIX


def test_known_names_keep_their_colours_in_any_order():
    found = Classes(("fear", "neutral", "happiness"))
    assert found.on_dark == tuple(SIX.on_dark[at] for at in (2, 4, 0))
    others = Classes((*SIX, "disgust", "contempt")), Classes(("fear", "contempt", "calm", "happiness"))
    assert others[1].on_white[0] == others[0].on_white[2]
    assert others[1].on_dark[3] == others[0].on_dark[0]
    assert len(set(others[1].on_dark)) == 4


def test_others_bring_colours_and_the_face_at_rest():
    found = Classes(("calm", "tense"), ("#FFFFFF", "#EEEEEE"), ("#000000", "#111111"), neutral="calm")
    assert (found.on_dark[1], found.on_white[0], found.neutral) == ("#EEEEEE", "#000000", "calm")
    assert Classes(("calm", "tense")).neutral is None


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "two classes"),
        (("calm",), "two classes"),
        (("calm", "calm"), "twice"),
        (("calm", UNCERTAIN), "something else"),
        (("calm", "no_face"), "something else"),
        (("calm", "seen"), "something else"),
        (("calm", "frame_calm"), "something else"),
        (("calm", "Tense"), "lower case|lower-case"),
        (("calm", "very tense"), "lower-case"),
        (("calm", ""), "lower-case"),
        (("calm", "-tense"), "lower-case"),
        (("calm", "_tense"), "lower-case"),
        (("calm", "tense-"), "lower-case"),
    ],
)
def test_names_that_are_none(names, reason):
    with pytest.raises(ValueError, match=reason):
        Classes(names)


@pytest.mark.parametrize(
    "more", [{"on_dark": ("#FFFFFF",)}, {"on_white": ("red", "blue")}, {"neutral": "calmer"}]
)
def test_colours_and_a_face_at_rest_that_are_none(more):
    with pytest.raises(ValueError, match=r"colours|#RRGGBB|none of"):
        Classes(("calm", "tense"), **more)


def test_a_name_that_is_not_there():
    with pytest.raises(ValueError, match="none of happiness, sadness"):
        SIX.index("joy")
