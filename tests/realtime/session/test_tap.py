"""Who watches a file being analysed does not wait for what follows."""

from emotion.realtime.options import Options
from emotion.realtime.session import EveryFrame, policies
from emotion.realtime.stages.look_ahead import LookAhead
from emotion.realtime.stages.options import VoteOptions
from emotion.realtime.stages.tap import Tap
from tests.helpers.results import face, result


def test_who_watches_gets_results_before_these_look_ahead(monkeypatch):
    monkeypatch.setattr(policies, "_causal_stages", lambda *_, **__: [])
    reported = []
    tap, ahead = EveryFrame(tap=reported.append).stages(None, Options())
    assert isinstance(ahead, LookAhead)
    first = result(0, face("fear"))
    (passed,) = tap.process([first])
    assert reported == [passed] == [first]
    assert not list(ahead.process([passed]))
    (tap,) = EveryFrame(tap=reported.append).stages(None, Options(vote=VoteOptions(causal=True)))
    assert list(tap.process([first])) == [first]
    assert reported == [first, first]


def test_who_watches_sees_the_very_picture_that_waits():
    reported = []
    waiting = result(0, face("fear"))
    (passed,) = Tap(reported.append).process([waiting])
    assert reported[0] is passed is waiting
