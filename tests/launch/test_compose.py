"""Every shipped YAML composes; wrong keys and values are told in one line."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from launch.compose import CONF, compose, groups, read_flat, to_yaml
from launch.config import CHOICES, RANGES, Config, ConfigError, leaves
from launch.plan import plan

NEEDED = {  # what a user must say beside the name
    ("model", "pretrained"): ["model.path=some/model"],
    ("data", "files"): ["data.train.name=a.jsonl", "data.test.name=b.jsonl"],
    ("experiment", "ablation_mbpp"): ["data.train.name=unified:train", "data.test.name=unified:test.jsonl"],
}
STEPCODER = ["experiment=demo_stepcoder"]
EVERY = [(group, name) for group, names in groups().items() for name in names]


@pytest.mark.parametrize(("group", "name"), EVERY)
def test_every_yaml_composes(group, name):
    config = compose([f"{group}={name}", "run_dir=r", *NEEDED.get((group, name), [])])
    assert plan(config)
    assert config.method.sft.seed == config.seed


@pytest.mark.parametrize(("group", "name"), [pair for pair in EVERY if pair[0] != "experiment"])
def test_every_yaml_goes_with_the_demo(group, name):
    assert plan(compose(["experiment=demo", f"{group}={name}", *NEEDED.get((group, name), [])]))


def test_every_yaml_explains_itself():
    files = list(CONF.rglob("*.yaml"))
    assert len(files) == len(EVERY) + 1
    for file in files:
        assert any(line.startswith("# ") and "@package" not in line for line in file.read_text().splitlines()[:2]), file


def test_yaml_names_every_key_of_its_part():
    """A key that only the dataclass knows could not be found by reading the YAML."""
    others = {"method/btp": ("stepcoder.",), "method/stepcoder": ("train_decoding.", "replay.", "sft.")}
    for part in ("method/btp", "method/stepcoder", "model/smollm2", "data/starter"):
        group = part.partition("/")[0]
        written = read_flat(CONF / f"{part}.yaml")
        known = {key.removeprefix(f"{group}.") for key, _ in leaves(Config()) if key.startswith(f"{group}.")}
        known = {key for key in known if not key.startswith(others.get(part, ("-",)))}
        unsaid = {"train_decoding.temperature", "train_decoding.top_p"} if part == "method/btp" else set()  # of sampling only
        assert known - set(written) == unsaid, part


def test_checks_name_real_keys():
    assert set(CHOICES) | set(RANGES) <= {key for key, _ in leaves(Config())}


def test_written_config_reads_back(tmp_path):
    config = compose(["experiment=demo", "seed=3"])
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(config))
    assert read_flat(path) == dict(leaves(config))
    assert OmegaConf.load(path).method.replay.seed == 3


def test_command_line_wins_over_the_experiment():
    config = compose(["experiment=demo", "data.train.limit=5", "run_dir=elsewhere", "cluster.gpu.partition=p"])
    assert (config.data.train.limit, config.data.test.limit, config.run_dir) == (5, 24, "elsewhere")
    assert config.cluster.gpu == {"partition": "p"}


def test_local_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model").mkdir()
    data = ["data=files", "data.train.name=sub/a.jsonl", "data.test.name=~/b.jsonl"]
    config = compose(["experiment=demo", "model=pretrained", "model.path=model", *data, "judge.nsjail=bin/nsjail"])
    assert config.model.path == str(tmp_path / "model")
    assert config.data.train.name == str(tmp_path / "sub/a.jsonl")
    assert config.data.test.name == os.path.expanduser("~/b.jsonl")
    assert config.judge.nsjail == str(tmp_path / "bin/nsjail")
    assert config.judge.python == "own"
    assert compose(["experiment=demo", "model=pretrained", "model.path=org/name"]).model.path == "org/name"


@pytest.mark.parametrize(
    "text", ["it's", "a b", "~x", "a=b", "x,y", "[1]", "{a}", "end\\\\", "a\\\\'b", "é (1)", "null", "1e3", "a:b", "-x", "$HOME"]
)
def test_any_text_is_a_run_dir(text):
    assert compose(["experiment=demo", f"run_dir={text}"]).run_dir == text


def test_null_is_no_text_where_null_is_valid():
    assert compose(["experiment=demo", "data.train.split=null"]).data.train.split is None


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["experiment=foo"], ["experiment=foo", "choose from ablation, ablation_mbpp, ablation_start, demo"]),
        (["model=foo"], ["model=foo", "pretrained, small, smollm2"]),
        (["cluster=null"], ["cluster=null", "local, minicluster, slurm"]),
        (["method={a: 3}"], ["method={a: 3}", "btp"]),
        (["method.sft.lr=1"], ["method.sft.lr=1: no such key", "keys of method.sft are learning_rate, epochs"]),
        (["sft.lr=1"], ["sft.lr=1: no such key", "run_dir, seed, model"]),
        (["learning_rate=1"], ["did you mean method.sft.learning_rate or method.warmup.learning_rate or"]),
        (["+foo=1"], ["+foo=1: not understood", "key=value"]),
        (["foo"], ["foo: not understood"]),
        (["a b"], ["a b: not understood"]),
        (["hydra.run.dir=x"], ["hydra.run.dir=x: no such key"]),
        (["seed.x=1"], ["seed is a single value"]),
        (["method.sft=1"], ["method.sft holds several keys"]),
        (["seed=x"], ["seed=x", "Integer"]),
        (["seed="], ["seed=", "Integer"]),
        (["seed=1,2"], ["seed=1,2", "[1,2]"]),
        (["tables.ks=[1,x]"], ["tables.ks[1]=x", "Integer"]),
        (["tables.ks=[9]"], ["tables.ks=[9]", "from 1 to 4"]),
        (["model.dtype=int8"], ["model.dtype=int8", "auto, float32, bfloat16"]),
        (["model.device=cuda:1"], ["model.device=cuda:1", "choose from auto, cpu, cuda"]),
        (["method.replay.priority=x"], ["method.replay.priority=x", "proportional, rank"]),
        (["method.replay.weight=2"], ["method.replay.weight=2.0", "at least 0 and at most 1"]),
        (["method.sft.learning_rate=0"], ["method.sft.learning_rate=0.0", "above 0"]),
        (["method.sft.micro_batch_size=3"], ["must divide method.sft.batch_size=8"]),
        ([*STEPCODER, "method.stepcoder.curriculum.threshold=1"], ["threshold 1.0", "below 1"]),
        ([*STEPCODER, "method.stepcoder.curriculum.kinds=[if,whilst]"], ["'whilst'", "if, for, while, match"]),
        ([*STEPCODER, "method.stepcoder.ppo.offload=all"], ["ppo.offload=all", "zero_stage=3"]),
        ([*STEPCODER, "method=rloo", "method.stepcoder.rollouts_per_problem=1"], ["rollouts_per_problem=1", "at least 2"]),
        ([*STEPCODER, "method.stepcoder.ppo.minibatches=999"], ["ppo.minibatches=999", "128 rollouts of a step"]),
        (["judge.limits.cpu_s=-1"], ["judge.limits.cpu_s", "above 0", "-1"]),
        (["judge.shards=0"], ["judge.shards=0", "at least 1"]),
        (["data.train.limit=0"], ["data.train.limit=0", "at least 1"]),
        (["data=files"], ["data.train.name is missing"]),
        (["model=pretrained", "model.path="], ["model.path is missing"]),
        (["run_dir="], ["run_dir is missing"]),
    ],
)
def test_wrong_config(overrides, parts):
    with pytest.raises(ConfigError) as caught:
        compose(["experiment=demo", *overrides] if not overrides[0].startswith("experiment") else overrides)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_default_config_lacks_only_a_run_dir():
    with pytest.raises(ConfigError, match="run_dir is missing: say run_dir="):
        compose([])
    assert replace(compose(["run_dir=a"]), run_dir="b").run_dir == "b"


@pytest.mark.parametrize("name", ["config", "method/btp", "method/stepcoder", "model/smollm2", "cluster/slurm"])
def test_every_key_of_a_file_that_users_are_sent_to_is_explained(name):
    valued = re.findall(r"^ *\w+: .+", (CONF / f"{name}.yaml").read_text(), re.MULTILINE)
    assert [line for line in valued if "#" not in line and not line.startswith("kind:")] == []
