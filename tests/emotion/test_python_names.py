"""Messages of Python's calls: parameters in place of the command line's options."""

import pytest

import emotion
from emotion.python_names import in_python
from tests.helpers.clips import clip

SHARDS = "made by 'emotion annotate --shard' in b-o, x--overwrite"


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (
            "name another place with -o, or say --overwrite.",
            "name another place with output, or say overwrite=True.",
        ),
        ("run with --provider cpu.", 'run with provider="cpu".'),
        (
            "which --columns pose, --landmarks mediapipe need",
            'which columns="pose", landmarks="mediapipe" need',
        ),
        ("see --max-faces.", "see max_faces."),
        ("--portraits shows faces, which --privacy hides", "portraits=True shows faces, which privacy hides"),
        ("--by group: the columns of --metadata are", "by group: the columns of metadata are"),
        ("; --recursive looks into its folders", "; recursive=True looks into its folders"),
        # What is no option of Python's calls, and what is meant for the terminal, stays.
        ("or say --no-such-option.", "or say --no-such-option."),
        (SHARDS, SHARDS),
    ],
)
def test_options_become_parameters(said, named):
    assert in_python(said) == named


def test_an_error_keeps_its_type_and_its_code(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    clip(tmp_path / "in" / "deep" / "a.mp4", 2)
    with pytest.raises(emotion.SourceError, match="recursive=True looks into its folders") as error:
        emotion.analyze_files(tmp_path / "in")
    assert isinstance(error.value, OSError)
    assert error.value.exit_code == 3
