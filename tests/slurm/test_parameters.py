"""What a site says of its cluster, and the batch script that becomes of it."""

from __future__ import annotations

import subprocess

import pytest

from slurm.jobs import ParameterError, check, script, valid_parameters


def test_parameters():
    assert valid_parameters("local") == []
    assert {"partition", "time", "account", "qos", "array_parallelism", "additional_parameters"} <= set(valid_parameters("slurm"))
    check("local", {})
    with pytest.raises(ParameterError, match="'partition' is not a parameter of local; valid are none"):
        check("local", {"partition": "x"})
    with pytest.raises(ParameterError, match="'partitoin' is not a parameter of slurm; valid are account"):
        check("slurm", {"partitoin": "x"})
    with pytest.raises(ParameterError, match="not one of local, slurm"):
        check("pbs", {})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("setup", "module load cuda", r"setup='module load cuda' must be a list of strings, such as setup: \['…'\]"),
        ("teardown", [1], r"teardown=\[1\] must be a list of strings"),
        ("srun_args", "--mpi=none", "srun_args='--mpi=none' must be a list"),
        ("additional_parameters", "reservation=x", "must be names and values, such as {reservation: spring}"),
        ("additional_parameters", {"comment": "proj"}, "'comment' is set for every array; give it as a parameter of its own"),
        ("additional_parameters", {"dependency": "afterok:9"}, "'dependency' is set for every array"),
        ("additional_parameters", {"open-mode": "truncate"}, "'open-mode' is set for every array"),
        ("additional_parameters", {"signal": "USR1@9"}, "signal_delay_s says"),
    ],
)
def test_a_value_that_sbatch_would_take_for_something_else_is_refused(tmp_path, name, value, told):
    with pytest.raises(ParameterError, match=told):
        script(tmp_path, "x", 2, {name: value})


def test_both_spellings_of_a_parameter_are_one(tmp_path):
    text = script(tmp_path, "x", 2, {"additional_parameters": {"kill-on-invalid-dep": "no"}, "setup": None})
    assert text.count("kill-on-invalid-dep") == text.count("--kill-on-invalid-dep=no") == 1


def test_null_is_as_good_as_not_given(tmp_path):
    nothing = dict.fromkeys(("cpus_per_task", "comment", "mem", "gpus_per_node", "srun_args"))
    assert script(tmp_path, "x", 2, nothing) == script(tmp_path, "x", 2, {})


def test_a_sites_own_dependency_and_comment_stand_beside_ours(tmp_path):
    parameters = {"dependency": "afterok:9", "comment": "proj"}
    assert "#SBATCH --dependency=afterok:7,afterok:9\n" in script(tmp_path, "x", 1, parameters, "afterok:7")
    assert "#SBATCH --dependency=afterok:9\n" in script(tmp_path, "x", 1, parameters)


def test_what_follows_the_commands_runs_whatever_the_sites_lines_say(tmp_path, monkeypatch):
    (tmp_path / "srun").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    text = script(tmp_path, "x", 1, {"setup": ["set -eu"], "teardown": ["echo teardown"]})
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("teardown\n", 3)


@pytest.mark.parametrize(
    ("parameters", "delay", "save"), [({}, 90, 60), ({"signal_delay_s": 600}, 600, 570), ({"signal_delay_s": 20}, 20, 10)]
)
def test_a_command_has_the_time_to_save_that_the_site_gives(tmp_path, parameters, delay, save):
    text = script(tmp_path, "x", 1, parameters)
    assert f"#SBATCH --signal=USR2@{delay}\n" in text
    assert f"export STEPBATCH_SAVE_S={save}\n" in text


def test_slurm_needs_its_programs(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ParameterError, match="needs sbatch on PATH"):
        check("slurm", {})
