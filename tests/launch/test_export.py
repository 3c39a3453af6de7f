"""The model of a run that is not done, from a checkpoint made by hand as DeepSpeed writes it at stages 0 to 2."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import core.export
from launch.config import ConfigError
from launch.export import export_newest
from launch.plan import Stage, to_json
from tests.core import tiny
from tests.launch.toys import ROOT

STAGES = (
    Stage("warmup", "sft", (), outputs={"training": "warmup", "model": "checkpoints/warmup"}),
    Stage("train", "stepcoder", (), outputs={"training": "train", "model": "checkpoints/train"}),
    Stage("tables", "tables", ("train",), outputs={"tables": "tables"}),
)


@pytest.fixture
def run(tmp_path):
    """Warmed up, with two steps of training behind it."""
    made = tmp_path / "a run"
    (made / "checkpoints" / "warmup").mkdir(parents=True)
    (made / "checkpoints" / "warmup" / "config.json").write_text("{}")
    (made / "plan.json").write_text(to_json(STAGES))
    checkpoint(made, 2, seed=3)
    return made


def checkpoint(run, step, seed):
    resume = run / "train" / "resume"
    made = tiny.policy(seed)
    made.model.to(torch.bfloat16).config.save_pretrained(resume / "policy")
    made.tokenizer.save_pretrained(resume / "policy")
    folder = resume / f"step-{step:06d}" / "actor"
    folder.mkdir(parents=True)
    beside = {"policy." + name: weight for name, weight in made.model.state_dict().items()} | {"head.weight": torch.zeros(1)}
    torch.save({"module": beside}, folder / "mp_rank_00_model_states.pt")
    (resume / "latest.json").write_text(json.dumps({"tag": f"step-{step:06d}", "step": step}))


def test_the_command_writes_a_hugging_face_folder(run, tmp_path):
    argv = [sys.executable, "-m", "launch", "export", str(run), "--out", str(tmp_path / "deep" / "out")]
    told = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"{tmp_path / 'deep' / 'out'}: the model of stage train after 2 steps\n"
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "deep" / "out")
    expected = tiny.policy(3).model.to(torch.bfloat16)
    assert model.dtype == torch.bfloat16
    for ours, theirs in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert AutoTokenizer.from_pretrained(tmp_path / "deep" / "out").pad_token_id == 0
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_what_cannot_be_exported_is_told(run, tmp_path):
    def refused(name, part, out=tmp_path / "out"):
        with pytest.raises(ConfigError) as error:
            export_newest(run, name, out)
        assert part in str(error.value)

    refused("tables", "--stage tables: no training stage of")
    refused("tables", "valid are warmup, train")
    refused("warmup", f"stage warmup is done: its model is {run / 'checkpoints' / 'warmup'}")
    refused(None, f"--out {run}: is there already", run)
    weights = run / "train" / "resume" / "step-000002" / "actor" / "mp_rank_00_model_states.pt"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    refused(None, "step-000002 cannot be read: RuntimeError")
    weights.unlink()
    refused(None, "cannot be read: FileNotFoundError")
    (run / "train" / "resume" / "latest.json").unlink()
    refused(None, "stage train has no checkpoint yet")
    (run / "plan.json").write_text(to_json((Stage("tables", "tables", ()),)))
    refused(None, "none of its stages trains a model")
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_training_replaces_is_read_again(run, tmp_path, monkeypatch):
    read = core.export._weights

    def slow(folder):
        if folder.name == "step-000002":
            checkpoint(run, 4, seed=5)
            raise FileNotFoundError(folder)
        return read(folder)

    monkeypatch.setattr(core.export, "_weights", slow)
    assert "after 4 steps" in export_newest(run, "train", tmp_path / "out")
    expected = tiny.policy(5).model.to(torch.bfloat16).lm_head.weight
    assert torch.equal(AutoModelForCausalLM.from_pretrained(tmp_path / "out").lm_head.weight, expected)
