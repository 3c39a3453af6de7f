"""The README's commands are typed as they stand there, in its order, in a folder of a new user's files."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from launch.plan import to_json
from tests.launch.test_export import STAGES, checkpoint
from tests.launch.toys import ROOT, toy
from tests.results.trainings import rollout, step_row, write_steps

README = (ROOT / "README.md").read_text()


def commands() -> list[str]:
    """Lines of the README's code blocks that begin with a command, without their comments."""
    blocks = re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(("python -m ", "make "))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What the commands speak of: a problem, a program, and three runs, one of them in training."""
    made = tmp_path_factory.mktemp("user")
    problem = {"problem_id": "a", "question": "Add.", "mode": "call", "entry_point": "add", "inputs": [[1, 2]], "outputs": [3]}
    for name in ("problems", "train", "test"):
        (made / f"{name}.jsonl").write_text(json.dumps(problem) + "\n")
    program = {"problem_id": "a", "program": "def add(a, b):\n    return a + b"}
    (made / "programs.jsonl").write_text("".join(json.dumps(program | {"sample": i}) + "\n" for i in range(3)))
    judge = [sys.executable, "-m", "sandbox", "judge", "--problems", "problems.jsonl", "--programs", "programs.jsonl", "--out"]
    for run in ("runs/seed1", "runs/he"):
        subprocess.run([*judge, f"{run}/judge-after"], cwd=made, check=True, capture_output=True)
        (made / run / "plan.json").write_text(to_json((toy("sample-train"),)))
    sweep = made / "runs" / "weights"
    for point in ("weight=0,seed=1", "weight=1,seed=1"):
        subprocess.run([*judge, f"runs/weights/{point}/judge-after"], cwd=made, check=True, capture_output=True)
        (sweep / point / "plan.json").write_text(to_json((toy("sample-train"),)))
    (sweep / "plan.json").write_text(to_json((toy("sweep-table"),)))
    (sweep / "sweep.json").write_text(json.dumps({"points": ["weight=0,seed=1", "weight=1,seed=1"]}))
    trains = made / "runs" / "demo-stepcoder"
    checkpoint(trains, 2, seed=0)
    training = replace(STAGES[1], options={"stepcoder": {"seed": 0, "steps": 30}})
    (trains / "plan.json").write_text(to_json((training,)))
    write_steps(trains / "train", [step_row(0), step_row(1)], [rollout(0), rollout(1)])
    return made


def expanded(word: str, folder: Path) -> list[str]:
    """As a shell would."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob(word)) if "*" in word else [word]


def test_the_readme_shows_its_commands():
    assert [line for line in commands() if line.startswith("make")] == ["make demo", "make test", "make demo-stepcoder"]
    assert len(commands()) >= 10


@pytest.mark.parametrize("line", commands())
def test_command(line, folder):
    argv = [word for part in shlex.split(re.sub(r" \[[^]]*\]", "", line)) for word in expanded(part, folder)]
    if argv[0] == "make":
        argv = ["make", "--dry-run", "--directory", str(ROOT), *argv[1:]]
    else:
        argv = [sys.executable, *argv[1:]]
        if argv[2] == "launch" and "=" in line:  # what it would run; the run itself is `make demo`
            argv.append("--dry-run")
    environment = dict(os.environ)
    if "minicluster" in line:  # the folder where the user's own cluster may run is not ours to touch
        environment["TMPDIR"] = str(folder)
    ran = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


def test_the_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


def test_the_tree_names_every_file():
    """Each source file stands in the README's tree (what inside/ and conf/ hold stands in their own heads)."""
    (tree,) = re.findall(r"## The tree\n\n```\n(.*?)```", README, re.DOTALL)
    rows = re.split(r"^(\w+)/ ", tree, flags=re.MULTILINE)[1:]
    for floor, row in zip(rows[::2], rows[1::2], strict=True):
        names = [path.name for path in (ROOT / floor).glob("*.py") if path.name not in ("__init__.py", "__main__.py")]
        assert [name for name in names if name not in row] == [], floor
