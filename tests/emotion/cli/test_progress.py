"""Progress bars, and what is said when work is stopped."""

import pytest

from emotion.cli.progress import resumable


def test_after_ctrl_c_it_is_said_how_to_go_on(capsys):
    with pytest.raises(KeyboardInterrupt), resumable():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "Stopped: the same command resumes.\n"
    with pytest.raises(ValueError, match="other"), resumable():
        raise ValueError("other")
    assert not capsys.readouterr().err
