from bisect import bisect
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from emotion.models.classes import SIX, Emotion
from emotion.realtime.drawing.options import NOTE, DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.drawing.panels import Content, colours, label_for, paint_panel, panel_plan
from emotion.realtime.drawing.sprites import Sprite, plate, press, text, text_width
from emotion.realtime.drawing.strip import Strip
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion, VideoFrame
from tests.fakes.decoded import DecodedPicture

COLOURS = colours(SIX)[:-1]
TWO = Content(SIX, ("eyes", "lips"))
THREE = Content(SIX, ("eyes", "lips", "blendshapes"))
HIDDEN = {"eyes": None, "lips": None}
QUIET = DrawingOptions(note="")


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def flat(height, width, value=0):
    return np.full((height, width, 3), value, dtype=np.uint8)


def shares(emotion=Emotion.HAPPINESS, share=0.75):
    result = np.full(6, (1 - share) / 5, dtype=np.float32)
    result[emotion] = share
    return result


def face(box=(200, 100, 120, 150), track_id=1, probabilities=None, eyes=None, lips=None):
    probabilities = shares() if probabilities is None else probabilities
    regions = {"eyes": eyes, "lips": lips}
    return FaceEmotion(track_id, Box(*map(float, box)), regions, probabilities, probabilities)


def result(image, *faces, seconds=0.0):
    return EmotionFrame(VideoFrame(0, round(seconds * 1000), Fraction(1, 1000), 0.0, image), faces)


def draw(image, *faces, options=QUIET):
    return Overlay(options).draw(result(image, *faces))


def touched(before, after):
    """Left, top, right and bottom of what differs between two pictures, or None."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    if not rows.size:
        return None
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def count(image, colour):
    return int((image == np.array(colour)).all(axis=2).sum())


def test_the_frame_stays_as_it_is():
    image = noise(480, 640)
    before = image.copy()
    drawn = draw(image, face())
    np.testing.assert_array_equal(image, before)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert not np.shares_memory(drawn, image)
    assert drawn.flags.writeable
    assert touched(image, drawn)


def test_without_faces_only_the_note_is_drawn():
    image = noise(480, 640)
    np.testing.assert_array_equal(draw(image), image)
    left, top, right, bottom = touched(image, draw(image, options=DrawingOptions()))
    assert right < 320
    assert top > 440
    assert left > 0
    assert bottom < 480


SIZES = [(360, 640), (480, 854), (1080, 1920), (640, 360), (120, 160)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2, 3, 6, 20])
def test_no_face_is_covered(size, count):
    height, width = size
    image = noise(height, width)
    columns = min(count, 5)
    side = 0.45 * min(width / columns, height / (1 + count // 6))
    boxes = [
        ((index % 5 + 0.3) * width / columns, (index // 5 + 0.2) * height / 4 + 0.3, side, 0.9 * side)
        for index in range(count)
    ]
    drawn = draw(image, *(face(box, index) for index, box in enumerate(boxes, 1)), options=DrawingOptions())
    for left, top, across, down in boxes:
        inside = np.s_[int(top) : int(np.ceil(top + down)), int(left) : int(np.ceil(left + across))]
        np.testing.assert_array_equal(drawn[inside], image[inside])


@pytest.mark.parametrize("second", [(322, 100, 120, 150), (260, 180, 120, 150), (240, 140, 30, 40)])
def test_the_corners_of_one_face_do_not_cross_another(second):
    image = noise(480, 640)
    drawn = draw(image, face((200, 100, 120, 150), 1), face(second, 2))
    for left, top, width, height in ((200, 100, 120, 150), second):
        inside = np.s_[top : top + height, left : left + width]
        np.testing.assert_array_equal(drawn[inside], image[inside])


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("box", [(100, 100, 174, 36), (100, 100, 16, 90), (100, 100, 40, 40), (1, 1, 30, 20)])
def test_the_bend_of_a_corner_stays_off_its_own_face(box, scale):
    image = noise(480, 640)
    drawn = draw(image, face(box), options=DrawingOptions(scale=scale, note=""))
    left, top, width, height = box
    inside = np.s_[top : top + height, left : left + width]
    np.testing.assert_array_equal(drawn[inside], image[inside])
    assert touched(image, drawn)


def test_a_repeated_track_id_covers_nobody_and_is_still_marked():
    # The short label of the first fits above it; the long one of its double would reach the third.
    people = [
        ((100, 200, 100, 100), 1, shares(Emotion.FEAR)),
        ((400, 300, 60, 60), 1, shares(Emotion.HAPPINESS)),
        ((200, 130, 40, 50), 2, shares()),
    ]
    image = noise(480, 640)
    drawn = draw(image, *(face(*each) for each in people), options=DrawingOptions(style="label", note=""))
    for (left, top, width, height), *_ in people:
        inside = np.s_[top : top + height, left : left + width]
        around = np.s_[top - 9 : top + height + 9, left - 9 : left + width + 9]
        np.testing.assert_array_equal(drawn[inside], image[inside])
        assert touched(image[around], drawn[around])
    beyond = np.s_[250:500, 380:640]
    assert touched(image[beyond], drawn[beyond])[1] > 35, "the double has corners and no label"


def test_the_box_has_the_colour_of_the_emotion():
    for emotion in Emotion:
        drawn = draw(flat(480, 640), face(probabilities=shares(emotion)))
        corner = drawn[90:130, 185:230]
        assert count(corner, COLOURS[emotion]) > 20
        assert not any(count(corner, other) for other in COLOURS if other != COLOURS[emotion])


def test_bars_grow_with_their_share():
    lengths = []
    for share in (0.3, 0.5, 0.9):
        probabilities = shares(Emotion.ANGER, 1 - share)
        probabilities[Emotion.FEAR] = share
        drawn = draw(flat(480, 640), face(probabilities=probabilities))
        # Fear's colour: its bar, and where it leads also corners, mark and no more.
        plan = panel_plan(12, False, 5.2, TWO)
        panel = drawn[:, 330:]
        rows = np.nonzero((panel == np.array(COLOURS[Emotion.FEAR])).all(axis=2))
        bar = rows[1][rows[1] >= rows[1].max() - plan.bar_width]
        lengths.append(np.unique(bar).size)
    assert lengths[0] < lengths[1] < lengths[2]


@pytest.mark.parametrize("label", ["happiness", "uncertain"])
def test_what_leads_is_marked_where_the_label_is_another(label):
    plan = panel_plan(12, False, 5.2, TWO)

    def margin(face):
        """Rows of the panel with something bright before the names."""
        canvas = flat(plan.height, plan.width)
        paint_panel(canvas, plan, 0, 0, face, 1.0)
        return np.flatnonzero((canvas[:, : plan.pad] > 150).all(axis=2).any(axis=1))

    held = replace(face(probabilities=shares(Emotion.FEAR, 0.4)), label=label)
    line = plan.bar_lines[Emotion.FEAR]
    rows = margin(held)
    assert rows.size
    assert line - plan.size <= rows.min() <= rows.max() <= line
    assert not margin(replace(held, label="fear")).size


def test_a_held_label_has_its_own_share():
    probabilities = shares(Emotion.FEAR, 0.36)
    probabilities[Emotion.HAPPINESS] = 0.33
    held = replace(face(probabilities=probabilities), label="happiness")
    assert label_for(held, 12, False, bold=True).percent == "33%"
    assert held.label_share == pytest.approx(0.33)
    assert (held.emotion, held.confidence) == ("fear", pytest.approx(0.36))


def test_numbers_and_opinions_change_what_is_drawn():
    image = noise(480, 640)
    base = face(eyes=shares(), lips=shares())
    drawn = draw(image, base)
    for other in (
        face(probabilities=shares(share=0.77), eyes=shares(), lips=shares()),
        face(eyes=shares(Emotion.FEAR), lips=shares()),
        face(eyes=shares(), lips=shares(share=0.5)),
        face(eyes=shares(), lips=None),
        face(eyes=None, lips=shares()),
    ):
        changed = touched(drawn, draw(image, other))
        assert changed is not None
        assert changed[0] > 320, "only the panel changes, which stands right of the face"


def test_each_region_shows_the_colour_of_its_own_emotion():
    drawn = draw(flat(480, 640), face(eyes=shares(Emotion.SURPRISE), lips=shares(Emotion.ANGER)))
    # Below the bars, where only the two dots are coloured.
    opinions = drawn[235:280, 340:420]
    eyes, lips = (
        np.nonzero((opinions == np.array(COLOURS[emotion])).all(axis=2))[0]
        for emotion in (Emotion.SURPRISE, Emotion.ANGER)
    )
    assert eyes.size > 4
    assert lips.size > 4
    assert eyes.max() < lips.min()


def test_eyes_stand_above_lips():
    image = flat(480, 640)
    both = draw(image, face(eyes=shares(), lips=shares()))
    eyes = touched(both, draw(image, face(eyes=None, lips=shares())))
    lips = touched(both, draw(image, face(eyes=shares(), lips=None)))
    assert eyes[3] <= lips[1]


def test_a_third_opinion_gets_a_row_of_its_own():
    opinions = {"eyes": shares(Emotion.ANGER), "lips": shares(Emotion.FEAR)}
    two = face(**opinions)
    three = replace(two, blendshapes=shares(Emotion.SADNESS))
    image = flat(480, 640)
    assert panel_plan(14, False, 5.2, THREE).height > panel_plan(14, False, 5.2, TWO).height
    added = count(draw(image, three), COLOURS[Emotion.SADNESS]) - count(
        draw(image, two), COLOURS[Emotion.SADNESS]
    )
    assert added > 10


@pytest.mark.parametrize("size", [9, 14, 29])
def test_the_blendshapes_row_has_room_for_its_name(size):
    plan = panel_plan(size, False, 0.0, THREE)
    dot = plan.name_left - round(0.45 * size) - max(4, round(0.55 * size))
    assert plan.pad + text_width("blendshapes", size) < dot
    assert plan.name_left + text_width("happiness", size) < plan.right - text_width("100%", size)


def test_people_are_numbered_only_where_there_are_several():
    image = flat(720, 1280)
    first, other = face((100, 200, 120, 150), 1), face((700, 200, 120, 150), 2)
    renamed = face((100, 200, 120, 150), 7)
    np.testing.assert_array_equal(draw(image, first), draw(image, renamed))
    assert touched(draw(image, first, other), draw(image, renamed, other))


@pytest.mark.parametrize("background", [0, 128, 255])
def test_text_stands_out_from_its_panel(background):
    drawn = draw(flat(480, 640, background), face())
    panel = drawn[100:280, 340:525].max(axis=2).astype(float) / 255
    luminance = np.where(panel <= 0.04045, panel / 12.92, ((panel + 0.055) / 1.055) ** 2.4)
    surface, ink = np.median(luminance), luminance.max()
    assert (ink + 0.05) / (surface + 0.05) >= 7


@pytest.mark.parametrize(("height", "width"), [(480, 854), (1080, 1920), (2160, 3840)])
def test_the_panel_grows_with_the_picture(height, width):
    scale = height / 480
    image = flat(height, width)
    box = (100 * scale, 60 * scale, 160 * scale, 200 * scale)
    drawn = draw(image, face(box))
    beside = np.s_[:, int(box[0] + 1.1 * box[2]) :]
    left, top, right, bottom = touched(image[beside], drawn[beside])
    assert 0.25 < (bottom - top) / height < 0.45
    assert 0.12 < (right - left) / width < 0.3


def test_scale_and_panels_are_options():
    image = flat(1080, 1920)
    areas = {}
    for name, options in {
        "large": DrawingOptions(scale=1.5, note=""),
        "usual": QUIET,
        "labels": DrawingOptions(style="label", note=""),
    }.items():
        drawn = draw(image, face((300, 400, 200, 250)), options=options)
        areas[name] = int((drawn != image).any(axis=2).sum())
    assert areas["large"] > 1.7 * areas["usual"]
    assert areas["labels"] < 0.3 * areas["usual"]


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"scale": float("nan")}, {"opacity": 1.5}])
def test_options_are_checked(wrong):
    with pytest.raises(ValueError, match="|".join(wrong)):
        DrawingOptions(**wrong)


def test_the_note_keeps_off_faces_and_says_what_is_asked():
    image = flat(480, 640)
    overlay = Overlay(DrawingOptions())
    corner = face((10, 300, 150, 170))
    drawn = overlay.draw(result(image, corner))
    assert NOTE == "apparent expressions, not feelings"
    assert touched(image[440:, 400:], drawn[440:, 400:]), "it went to the other corner"
    drawn = overlay.draw(result(image, face((300, 20, 100, 120)), seconds=0.1))
    assert touched(image[440:, 400:], drawn[440:, 400:]), "and it stays there"
    assert touched(drawn, Overlay(DrawingOptions(note="x")).draw(result(image, face((300, 20, 100, 120)))))


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    "box",
    [
        (NAN, 10, 20, 20),
        (10, 10, NAN, 20),
        (10, 10, 0, 20),
        (10, 10, 20, 0),
        (10, 10, -20, 20),
        (INF, 10, 20, 20),
        (10, 10, INF, 20),
        (1e300, 1e300, 1e300, 1e300),
        (-1e5, 10, 20, 20),
        (10, 5000, 20, 20),
    ],
)
def test_a_box_that_is_none_is_not_drawn(box):
    image = noise(240, 320)
    np.testing.assert_array_equal(draw(image, face(box)), image)
    assert touched(image, draw(image, face(box), face((100, 60, 60, 80), 2)))


@pytest.mark.parametrize(
    "box",
    [
        (-60, -40, 120, 150),
        (580, 420, 120, 150),
        (-200, -200, 1200, 1200),
        (600, 100, 1e5, 1e5),
        (5, 5, 1, 1),
    ],
)
def test_faces_partly_outside_are_drawn_as_far_as_they_go(box):
    drawn = draw(noise(480, 640), face(box))
    assert drawn.shape == (480, 640, 3)


@pytest.mark.parametrize(
    ("height", "width"), [(0, 0), (1, 1), (1, 640), (640, 1), (2, 3), (48, 64), (120, 160), (1920, 1080)]
)
@pytest.mark.parametrize("faces", [0, 1, 20])
def test_pictures_of_any_size(height, width, faces):
    image = noise(height, width)
    people = [
        face((index * width / 20, index * height / 25, width / 4, height / 4), index)
        for index in range(1, faces + 1)
    ]
    assert draw(image, *people, options=DrawingOptions()).shape == (height, width, 3)


def test_a_tiny_picture_still_shows_the_colour():
    drawn = draw(flat(48, 64), face((20, 12, 24, 28), probabilities=shares(Emotion.ANGER)))
    assert count(drawn, COLOURS[Emotion.ANGER]) > 8


@pytest.mark.parametrize("value", [NAN, INF, -1.0, 7.0])
def test_broken_probabilities_do_not_stop_the_film(value):
    probabilities = np.full(6, value, dtype=np.float32)
    drawn = draw(noise(480, 640), face(probabilities=probabilities, eyes=probabilities, lips=probabilities))
    assert drawn.shape == (480, 640, 3)


def side(overlay, left, seconds, track_id=1):
    """On which side of a face at `left` its panel is drawn."""
    image = flat(480, 640)
    drawn = overlay.draw(result(image, face((left, 100, 120, 150), track_id), seconds=seconds))
    first, _, last, _ = touched(image, drawn)
    return "left" if left - first > last - left - 120 else "right"


@pytest.fixture(scope="module")
def edge():
    """The right-most place of a face with its panel on the right."""
    return bisect(range(250, 500), False, key=lambda left: side(Overlay(QUIET), left, 0.0) == "left") + 249


def test_the_side_is_kept_for_each_person(edge):
    overlay = Overlay(QUIET)
    jitter = [side(overlay, edge + (8 if index % 2 else -8), index / 25) for index in range(20)]
    assert jitter[1:] == ["left"] * 19
    assert side(Overlay(QUIET), edge - 8, 0.0) == "right", "without a past it stands on the right"


@pytest.mark.parametrize(("gap", "expected"), [(0.5, "left"), (2.0, "right"), (-0.5, "right")])
def test_the_side_is_forgotten_when_a_person_is_long_gone(edge, gap, expected):
    overlay = Overlay(QUIET)
    assert side(overlay, edge + 4, 1.0) == "left"
    overlay.draw(result(flat(480, 640), seconds=1.0))
    assert side(overlay, edge - 4, 1.0 + gap) == expected


def test_another_person_does_not_inherit_the_side(edge):
    overlay = Overlay(QUIET)
    assert side(overlay, edge + 4, 0.0, track_id=1) == "left"
    assert side(overlay, edge - 4, 0.1, track_id=2) == "right"


def test_the_same_frame_is_drawn_the_same():
    image, overlay = noise(480, 640), Overlay()
    people = face((60, 100, 90, 120), 1), face((350, 150, 90, 120), 2)
    np.testing.assert_array_equal(overlay.draw(result(image, *people)), overlay.draw(result(image, *people)))


def test_a_label_says_number_emotion_and_per_cent():
    one, two = face(track_id=3), face(track_id=3, probabilities=shares(Emotion.FEAR, 0.5))
    label = label_for(one, 12, numbered=True, bold=False)
    assert (label.number, label.name, label.percent) == ("3", "happiness", "75%")
    assert label_for(two, 12, numbered=False, bold=False).number == ""
    widths = {
        label_for(face(probabilities=shares(share=share)), 12, False, False).width for share in (0.5, 0.87)
    }
    assert len(widths) == 1, "a label does not tremble with its number"


def test_all_text_fits_its_panel():
    for size in (10, 13, 21, 37):
        plan = panel_plan(size, True, 5.2, TWO)
        names = max(text_width(name, size) for name in SIX)
        heads = max(text_width(name, plan.head, bold=True) for name in SIX)
        assert plan.pad + names < plan.bar_left
        assert plan.bar_left + plan.bar_width < plan.right - text_width("100%", size)
        assert plan.name_left + names < plan.right - text_width("100%", size)
        assert plan.pad + 0.75 * size + heads < plan.right - text_width("100%", plan.head, bold=True)
        assert max(plan.bar_lines + plan.opinion_lines) < plan.height


def test_pressing_blends_and_stays_in_the_picture():
    canvas = flat(10, 10, 200)
    press(canvas, plate(6, 6, 0, (0, 100, 255), 0.5), -3, -3)
    np.testing.assert_allclose(canvas[0, 0], (100, 150, 228), atol=1)
    np.testing.assert_array_equal(canvas[3:, 3:], 200)
    before = canvas.copy()
    for left, top in ((10, 0), (0, 10), (-6, 0), (0, -6), (-(10**9), 10**9)):
        press(canvas, plate(6, 6, 0, (0, 0, 0)), left, top)
    np.testing.assert_array_equal(canvas, before)


def test_a_clear_stamp_changes_nothing():
    canvas = noise(20, 20)
    before = canvas.copy()
    press(canvas, Sprite(flat(20, 20, 255), flat(20, 20)), 0, 0)
    np.testing.assert_array_equal(canvas, before)


def test_text_is_smooth_and_its_width_is_known():
    stamp = text("happiness 83%", 14, (255, 255, 255))
    assert stamp.width == text_width("happiness 83%", 14)
    assert len(np.unique(stamp.ink)) > 20, "edges are soft"
    assert stamp.ink.max() > 240


def test_an_uncertain_face_is_marked_in_gray_and_given_no_number():
    unsure = FaceEmotion(
        1, Box(200.0, 100.0, 120.0, 150.0), HIDDEN, None, shares(Emotion.FEAR, 0.3), label="uncertain"
    )
    label = label_for(unsure, 20, numbered=False, bold=True)
    assert (label.name, label.percent) == ("uncertain", "")
    image = np.full((480, 640, 3), 60, np.uint8)
    sure = Overlay().draw(result(image, face(probabilities=shares(Emotion.FEAR, 0.3))))
    drawn = Overlay().draw(result(image, unsure))
    assert not np.array_equal(sure, drawn)
    # Gray corners: no colour of an emotion around the face.
    corner = drawn[92:98, 190:220].astype(int)
    assert np.ptp(corner, axis=2).max() < 20


def test_the_label_that_holds_is_shown_with_its_own_share():
    held = FaceEmotion(
        1, Box(200.0, 100.0, 120.0, 150.0), HIDDEN, None, shares(Emotion.FEAR, 0.5), label="anger"
    )
    label = label_for(held, 20, numbered=False, bold=True)
    assert (label.name, label.percent) == ("anger", "10%")


@pytest.mark.parametrize("style", ["panel", "compact", "label", "none"])
def test_a_drawn_picture_knows_where_it_was_drawn_on(style):
    image = noise(480, 640)
    overlay = Overlay(DrawingOptions(style=style, note="a note"), Strip(0.0, 10.0))
    alone, crowd = [(40, 60, 120, 140)], [(20 + 90 * n, 30 + 20 * n, 60, 70) for n in range(6)]
    for boxes in (alone, crowd, []):
        faces = [face(box, track_id=number) for number, box in enumerate(boxes, start=1)]
        drawn = overlay.draw(result(image, *faces))
        rest = np.ones(image.shape[:2], bool)
        for left, top, right, bottom in drawn.parts:
            assert 0 <= left < right <= 640
            assert 0 <= top < bottom <= 480
            rest[top:bottom, left:right] = False
        assert rest.mean() > 0.2
        np.testing.assert_array_equal(drawn[rest], image[rest])
        assert drawn[2:9].parts is None


def test_a_face_is_no_part_of_what_is_drawn_on():
    """A large one would be most of what an encoder has to convert."""
    drawn = Overlay(QUIET).draw(result(noise(480, 640), face((40, 60, 300, 340))))
    rest = np.ones((480, 640), bool)
    for left, top, right, bottom in drawn.parts:
        rest[top:bottom, left:right] = False
    assert rest[60:400, 40:340].all()


def test_a_decoded_picture_is_drawn_on_without_another_copy():
    picture = DecodedPicture(noise(240, 320))
    shown = replace(result(noise(240, 320), face((40, 60, 80, 90))).frame, picture=picture)
    Overlay(QUIET).draw(EmotionFrame(shown, (face((40, 60, 80, 90)),)))
    assert picture.made == ["bgr"]


@pytest.mark.parametrize("style", ["panel", "compact", "label", "none"])
def test_what_is_drawn_for_an_mp4_is_the_same_where_anything_is_drawn(style):
    """Small faces, whose corners bend into them, neighbours, and a timeline over a face."""
    boxes = [
        (300, 200, 14, 16),
        (314, 204, 15, 18),
        (290, 214, 16, 14),
        (330, 196, 14, 15),
        (40, 420, 60, 60),
    ]
    faces = tuple(face(box, track_id=number) for number, box in enumerate(boxes, start=1))
    frame = replace(result(noise(480, 640)).frame, picture=DecodedPicture(noise(480, 640)))
    options = DrawingOptions(style=style, note="a note")
    whole, some = (
        Overlay(options, Strip(0.0, 10.0), partly).draw(EmotionFrame(frame, faces))
        for partly in (False, True)
    )
    assert some.parts == whole.parts
    assert (np.asarray(some) == (255, 0, 255)).all(axis=2).any(), "of a decoded picture all was converted"
    for left, top, right, bottom in whole.parts:
        np.testing.assert_array_equal(some[top:bottom, left:right], whole[top:bottom, left:right])
