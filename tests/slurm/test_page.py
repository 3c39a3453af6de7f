"""The page for users of Slurm names what there is: commands that run, parameters that sbatch knows, links that lead somewhere."""

import re
import shlex
import subprocess
import sys

import pytest

from slurm.jobs import valid_parameters
from tests.launch.toys import ROOT

PAGE = (ROOT / "slurm" / "README.md").read_text()
LINES = [line for block in re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) for line in block.splitlines()]


@pytest.mark.parametrize("line", [line for line in LINES if line.endswith("--dry-run")])
def test_a_dry_run_needs_no_slurm(line, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    argv = [sys.executable, *shlex.split(line)[1:]]
    ran = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "#SBATCH --array=" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_parameters_are_those_that_sbatch_knows():
    (table,) = re.findall(r"^\| what \| how \|\n(.*?)\n\n", PAGE, re.DOTALL | re.MULTILINE)
    told = set(re.findall(r"`([a-z_]+)[:`]", "".join(row.split("|")[2] for row in table.splitlines())))
    assert {"account", "qos", "setup", "additional_parameters"} <= told
    assert told - set(valid_parameters("slurm")) == set()


def test_the_scripts_and_pages_that_it_names_are_there():
    links = [target for target in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in target]
    scripts = set(re.findall(r"slurm/\w+\.sbatch", PAGE))
    assert len(scripts) == 3
    assert [path for path in (*scripts, *(f"slurm/{link}" for link in links)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "launch" / "conf" / "cluster").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_key_of_a_cluster_is_explained(path):
    assert [line for line in path.read_text().splitlines() if line.strip() and "#" not in line] == []
