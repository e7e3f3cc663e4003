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
    users = [reported for instruction, reported in STEPS if instruction == "USER"]
    assert users == ["emotion"]
    assert STEPS[-2:] == [("ENTRYPOINT", '["emotion"]'), ("CMD", '["--help"]')]


def test_one_file_is_for_cpus_and_gpus_and_names_extras_that_there_are():
    chosen = dict(reported.split("=") for instruction, reported in STEPS if instruction == "ARG")
    extras = PROJECT["project"]["optional-dependencies"]
    assert chosen["VARIANT"] == "cpu"
    assert {"cpu", "gpu", *chosen["EXTRAS"].split(",")} <= set(extras)
    assert any("$VARIANT,$EXTRAS" in reported for instruction, reported in STEPS if instruction == "RUN")


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


_STUB = """#!/bin/bash
echo "$(basename "$0") ${SRUN_CPUS_PER_TASK:-} $*" >> "$TOLD"
if [ "$(basename "$0")" = scontrol ]; then printf 'n1\\nn2\\n'; fi
"""


@pytest.fixture
def in_slurm(tmp_path):
    """Runs a job with stubs in the place of all programs; gives the lines that they were called with."""

    def run(name):
        place = tmp_path / "bin"
        place.mkdir()
        for command in ("scontrol", "srun", "ray", "emotion", "sleep"):
            (place / command).write_text(_STUB)
            (place / command).chmod(0o755)
        given = {
            "PATH": f"{place}:/usr/bin:/bin",
            "TOLD": str(tmp_path / "told"),
            "clips": "/c",
            "study": "/s",
            "SLURM_JOB_ID": "123456",
            "SLURM_JOB_NODELIST": "n[1-2]",
            "SLURM_NNODES": "2",
            "SLURM_CPUS_PER_TASK": "16",
            "SLURM_ARRAY_TASK_ID": "3",
            "SLURM_ARRAY_TASK_COUNT": "10",
        }
        job = ROOT / "docs" / "examples" / name
        # What runs in the background may be later than the job's own end.
        script = f"source {job}\nwait"
        subprocess.run(["bash", "-c", script], check=True, timeout=30, env=given, cwd=tmp_path)
        return (tmp_path / "told").read_text().splitlines()

    return run


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_cluster_of_slurms_has_all_cores_and_is_the_one_that_is_used(in_slurm):
    reported = in_slurm("ray.slurm")
    starts = [line for line in reported if "ray start" in line]
    assert all(line.startswith("srun 16 ") for line in starts)
    address = next(re.search(r"--address=(\S+)", line)[1] for line in starts if "--address" in line)
    assert address.startswith("n1:")
    assert any(f"--head --port={address.partition(':')[2]} " in line and "-w n1" in line for line in starts)
    (command,) = (line for line in reported if line.startswith("emotion"))
    assert command.endswith(f"annotate /c --recursive -o /s --quiet --cluster {address} --jobs 32")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_task_of_an_array_of_slurms_takes_its_share(in_slurm):
    (command,) = in_slurm("study.slurm")
    assert command.endswith("annotate /c --recursive -o /s --quiet --jobs 16 --shard 3/10")
