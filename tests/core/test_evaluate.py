import pytest

from core import evaluate
from core.evaluate import write_programs_of
from core.options import DecodingOptions, ModelOptions
from sandbox.problem import read_programs, write_problems
from tests.core import tiny


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    write_problems(folder / "problems.jsonl", [tiny.problem(i) for i in range(5)])
    return ModelOptions(path=str(tiny.folder(folder / "tiny")), device="cpu", dtype="float32"), folder / "problems.jsonl"


def ignore(done, total):
    pass


@pytest.mark.parametrize("method", evaluate.METHODS)
def test_shards_and_resumed_runs_write_the_same(setting, tmp_path, method):
    model, problems = setting
    decoding = DecodingOptions(method=method, programs_per_problem=2, max_new_tokens=6, problems_per_batch=2)
    whole, shards = tmp_path / "whole", tmp_path / "shards"
    seen = []
    write_programs_of(model, decoding, problems, whole, "test", 0, 1, lambda *numbers: seen.append(numbers))
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5)]
    write_programs_of(model, decoding, problems, shards, "test", 1, 2, ignore)
    assert [p.name for p in shards.iterdir()] == ["part-00001.parquet"]
    write_programs_of(model, decoding, problems, shards, "test", 0, 2, ignore)
    programs = list(read_programs(whole))
    assert programs == list(read_programs(shards))
    assert [(p.problem_id, p.sample) for p in programs] == [(f"p{i}", s) for i in range(5) for s in range(2)]
    assert {(p.author, p.split) for p in programs} == {("tiny", "test")}
    assert all(p.logprob_sum < 0 and 0 < p.token_count <= 6 and isinstance(p.extra["finished"], bool) for p in programs)

    (whole / "part-00001.parquet").unlink()  # as if killed there
    write_programs_of(model, decoding, problems, whole, "test", 0, 1, ignore)
    assert list(read_programs(whole)) == programs


def test_the_model_is_loaded_only_where_something_is_missing(setting, tmp_path, monkeypatch):
    model, problems = setting
    decoding = DecodingOptions(programs_per_problem=1, max_new_tokens=2)
    write_programs_of(model, decoding, problems, tmp_path, "test", 0, 1, ignore)
    monkeypatch.delattr(evaluate, "load_policy")
    write_programs_of(model, decoding, problems, tmp_path, "test", 0, 1, ignore)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "greedy"}, "'greedy' is not one of beam, sample"),
        ({"programs_per_problem": 0}, "programs_per_problem 0"),
        ({"temperature": 0.0}, "temperature > 0"),
        ({"top_p": 1.5}, "top_p"),
    ],
)
def test_bad_options_are_named(setting, tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        write_programs_of(setting[0], DecodingOptions(**options), setting[1], tmp_path / "out", "test", 0, 1, ignore)
    assert not (tmp_path / "out").exists()


def test_a_shard_out_of_range_is_named(setting, tmp_path):
    with pytest.raises(ValueError, match="shard 2 is not one of 0 to 1"):
        write_programs_of(*[setting[0], DecodingOptions(), setting[1]], tmp_path, "test", 2, 2, ignore)
