"""What clusters are started with: the Dockerfile and the jobs of Slurm's."""

import re
import shutil
import subprocess
import tomllib

import pytest

from tests.helpers.paths import ROOT
from tests.replay_dockerfile import copied, steps

STEPS = list(steps((ROOT / "Dockerfile").read_text()))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
JOBS = sorted((ROOT / "docs" / "examples").glob("*.slurm"))


def test_the_image_runs_the_command_and_not_as_root():
    users = [told for instruction, told in STEPS if instruction == "USER"]
    assert users == ["emotion"]
    assert STEPS[-2:] == [("ENTRYPOINT", '["emotion"]'), ("CMD", '["--help"]')]


def test_one_file_is_for_cpus_and_gpus_and_names_extras_that_there_are():
    chosen = dict(told.split("=") for instruction, told in STEPS if instruction == "ARG")
    extras = PROJECT["project"]["optional-dependencies"]
    assert chosen["VARIANT"] == "cpu"
    assert {"cpu", "gpu", *chosen["EXTRAS"].split(",")} <= set(extras)
    assert any("$VARIANT,$EXTRAS" in told for instruction, told in STEPS if instruction == "RUN")


def test_the_image_gets_what_is_installed_and_no_tests():
    rules = (ROOT / ".dockerignore").read_text()
    wanted = [
        "pyproject.toml",
        "README.md",
        "requirements.lock",
        "emotion/api.py",
        "models/zoo/lite/eyes.onnx",
    ]
    assert copied(rules, [*wanted, "tests/conftest.py", "docs/a.md", ".git/HEAD"]) == wanted


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.name)
def test_jobs_of_slurm_are_programs_and_use_options_that_there_are(job):
    subprocess.run(["bash", "-n", str(job)], check=True, timeout=30)
    text = job.read_text()
    options = (ROOT / "emotion" / "study" / "options.py").read_text()
    command = text[text.index("emotion annotate") :].replace("\\\n", " ").splitlines()[0]
    for flag in set(re.findall(r"--([a-z]+)", command)) - {"recursive"}:
        assert re.search(rf"^    {flag}: Annotated", options, re.MULTILINE), flag
