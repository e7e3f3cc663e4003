import av
import pytest

from emotion.models.atomic_files import partial_path
from emotion.realtime.sinks.subtitles import SrtSubtitles, VttSubtitles, _clock
from tests.helpers.results import face, result

KINDS = [VttSubtitles, SrtSubtitles]


def write(sink, frames, step=100, start=0):
    """One frame for each tuple of (track, emotion)."""
    with sink:
        for number, people in enumerate(frames):
            faces = [face(emotion, track) for track, emotion in people]
            one = result(number, *faces, pts=start + step * number)
            sink.write(one, one.frame.image)


def cues(path):
    """What libav, and so most players, read: (begin and end in seconds, text)."""
    with av.open(str(path)) as container:
        (stream,) = container.streams
        found = []
        for packet in container.demux(stream):
            if packet.size:
                begin = float(packet.pts * packet.time_base)
                end = begin + float(packet.duration * packet.time_base)
                (subtitle,) = packet.decode()
                text = subtitle.dialogue.decode().replace("\\N", "\n")
                found.append((pytest.approx(begin), pytest.approx(end), text))
        return found


ALONE = [[(1, "happiness")]] * 10 + [[(1, "sadness")]] * 10
TOGETHER = [[(1, "fear")]] * 10 + [[(1, "fear"), (2, "anger")]] * 10 + [[(2, "anger")]] * 10 + [[]] * 10


@pytest.mark.parametrize("kind", KINDS)
def test_players_read_each_emotion_from_its_begin_to_its_end(kind, tmp_path):
    path = tmp_path / f"a.{kind.__name__[:3].lower()}"
    write(kind(path), ALONE)
    assert cues(path) == [(0, 1, "happiness"), (1, 2, "sadness")]


@pytest.mark.parametrize("kind", KINDS)
def test_several_people_have_names_and_cues_never_overlap(kind, tmp_path):
    path = tmp_path / f"a.{kind.__name__[:3].lower()}"
    write(kind(path), TOGETHER)
    assert cues(path) == [
        (0, 1, "Person 1: fear"),
        (1, 2, "Person 1: fear\nPerson 2: anger"),
        (2, 3, "Person 2: anger"),
    ]


def test_the_text_is_what_the_standards_say(tmp_path):
    write(VttSubtitles(tmp_path / "a.vtt"), ALONE, start=3_600_000)
    write(SrtSubtitles(tmp_path / "a.srt"), ALONE, start=3_600_000)
    vtt, srt = (tmp_path / "a.vtt").read_text(), (tmp_path / "a.srt").read_text()
    assert vtt.startswith("WEBVTT\n\n")
    assert (
        "\n\n1\n01:00:00.000 --> 01:00:01.000\nhappiness\n\n2\n01:00:01.000 --> 01:00:02.000\nsadness\n\n"
        in vtt
    )
    assert srt == (
        "1\n01:00:00,000 --> 01:00:01,000\nhappiness\n\n2\n01:00:01,000 --> 01:00:02,000\nsadness\n\n"
    )


def test_times_count_from_where_players_begin(tmp_path):
    write(SrtSubtitles(tmp_path / "a.srt", origin=60.0), ALONE, start=60_000)
    assert cues(tmp_path / "a.srt") == [(0, 1, "happiness"), (1, 2, "sadness")]


def test_a_late_change_of_another_person_does_not_disturb_the_order(tmp_path):
    """Person 2 has left at 1.0 s, which is known only after person 1 has changed at 1.2 s."""
    both = [[(1, "fear"), (2, "anger")]] * 10
    write(SrtSubtitles(tmp_path / "a.srt"), [*both, *[[(1, "fear")]] * 2, *[[(1, "neutral")]] * 10])
    assert cues(tmp_path / "a.srt") == [
        (0, 1, "Person 1: fear\nPerson 2: anger"),
        (1, 1.2, "Person 1: fear"),
        (1.2, 2.2, "Person 1: neutral"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_a_file_without_cues(kind, tmp_path):
    path = tmp_path / "a.txt"
    write(kind(path), [[]] * 5)
    assert "-->" not in path.read_text()
    write(kind(tmp_path / "b.txt"), [])
    assert (tmp_path / "b.txt").read_text() == path.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_fails_keeps_the_cues_until_then(kind, tmp_path):
    path = tmp_path / f"a.{kind.__name__[:3].lower()}"
    with pytest.raises(RuntimeError), kind(path) as sink:
        for number in range(30):
            one = result(number, face("fear"), pts=100 * number)
            sink.write(one, one.frame.image)
        raise RuntimeError
    assert not path.exists()
    assert cues(partial_path(path)) == [(0, 3, "fear")]


def test_cues_reach_the_disk_while_the_run_goes_on(tmp_path):
    sink = SrtSubtitles(tmp_path / "a.srt")
    for number, people in enumerate(ALONE):
        one = result(number, *[face(emotion, track) for track, emotion in people], pts=100 * number)
        sink.write(one, one.frame.image)
    assert partial_path(tmp_path / "a.srt").read_text().endswith("happiness\n\n")
    sink.abort()


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "00:00:00.000"),
        (999, "00:00:00.999"),
        (1000, "00:00:01.000"),
        (59_999, "00:00:59.999"),
        (60_000, "00:01:00.000"),
        (3_599_999, "00:59:59.999"),
        (3_600_000, "01:00:00.000"),
        (100 * 3_600_000 + 62_003, "100:01:02.003"),
    ],
)
def test_times_are_written_as_hours_minutes_seconds_and_thousandths(milliseconds, text):
    assert _clock(milliseconds, ".") == text


def test_what_was_before_players_begin_is_shown_from_their_beginning_on(tmp_path):
    write(SrtSubtitles(tmp_path / "a.srt", origin=0.95), ALONE)
    assert cues(tmp_path / "a.srt") == [(0, 0.05, "happiness"), (0.05, 1.05, "sadness")]
    write(SrtSubtitles(tmp_path / "b.srt", origin=1.5), ALONE)
    assert cues(tmp_path / "b.srt") == [(0, 0.5, "sadness")]


def test_a_third_person_gets_a_name_and_nothing_is_written_anew(tmp_path):
    frames = [[(1, "fear")]] * 3 + [[(1, "fear"), (2, "anger")]] * 3
    frames += [[(1, "fear"), (2, "anger"), (3, "neutral")]] * 3
    write(SrtSubtitles(tmp_path / "a.srt"), frames)
    found = [text for *_, text in cues(tmp_path / "a.srt")]
    assert found == [
        "Person 1: fear",
        "Person 1: fear\nPerson 2: anger",
        "Person 1: fear\nPerson 2: anger\nPerson 3: neutral",
    ]
    text = (tmp_path / "a.srt").read_text()
    assert [line for line in text.splitlines() if line.isdigit()] == ["1", "2", "3"]


def test_whoever_comes_alone_later_has_a_name_too_and_so_has_the_first(tmp_path):
    frames = [[(1, "fear")]] * 3 + [[]] * 9 + [[(2, "anger")]] * 3
    write(SrtSubtitles(tmp_path / "a.srt"), frames)
    assert [text for *_, text in cues(tmp_path / "a.srt")] == ["Person 1: fear", "Person 2: anger"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_file_without_cues_is_not_kept(kind, tmp_path):
    sink = kind(tmp_path / "a.txt")
    one = result(0)
    sink.write(one, one.frame.image)
    assert sink.abort() is None
    assert not list(tmp_path.iterdir())
