"""Shards, parts and kills: no row lost, none doubled, and bad input refused before anything is written."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from results import schema
from results.parts import part_paths, read_parts
from sandbox.interpreter import NotFoundError
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, write_problems
from sandbox.shards import judge_shard

OPTIONS = JudgeOptions(Limits(cpu_s=2, wall_s=8, memory_mib=256))
SLOW = "import time\ntime.sleep(0.15)\nprint(input())"


@pytest.fixture
def files(tmp_path, judge):
    """(problems, programs): 24 programs of two problems, every third one wrong."""
    write_problems(
        tmp_path / "problems.jsonl",
        [
            Problem("p", "", "stdin", inputs=("1", "2"), outputs=("1", "2"), difficulty="interview"),
            Problem("q", "", "stdin", inputs=("3",), outputs=("3",)),
        ],
    )
    rows = [
        {
            "problem_id": "pq"[i % 2],
            "program": SLOW if i % 3 else "print(0)",
            "sample": i,
            "author": "m",
            "seed": i,
            "split": "test",
        }
        for i in range(24)
    ]
    (tmp_path / "programs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "problems.jsonl", tmp_path / "programs.jsonl"


def outcome(out):
    """What must not depend on kills: the judged rows, in order, without timings."""
    keep = ["program_row", "problem_id", "sample", "verdict", "tests_passed", "tests_total", "extra", "split", "difficulty"]
    programs = sorted(map(tuple, (row.values() for row in read_parts(out / "programs", keep).to_pylist())))
    keep = ["program_row", "problem_id", "test", "verdict", "output_sha256", "executed_lines"]
    tests = sorted(tuple(map(str, row.values())) for row in read_parts(out / "tests", keep).to_pylist())
    return programs, tests


def command(files, out, *more):
    return [
        sys.executable,
        "-m",
        "sandbox",
        "judge",
        "--problems",
        files[0],
        "--programs",
        files[1],
        "--out",
        out,
        "--workers",
        "2",
        *more,
    ]


def test_shards_make_the_whole(tmp_path, files):
    whole, split = tmp_path / "whole", tmp_path / "split"
    judge_shard(*files, whole, OPTIONS, workers=2)
    for shard in range(3):
        summary = judge_shard(*files, split, OPTIONS, shard=shard, shards=3, workers=2, part_programs=3)
        assert summary.programs == 8
    assert outcome(split) == outcome(whole)
    assert len(part_paths(split / "programs")) == 9
    programs = read_parts(whole / "programs")
    assert programs.schema == schema.PROGRAMS
    assert read_parts(whole / "tests").schema == schema.TESTS
    assert programs["program_row"].to_pylist() == list(range(24))
    assert programs["verdict"].to_pylist() == ["pass" if i % 3 else "wrong_answer" for i in range(24)]
    assert programs["tests_total"].to_pylist() == [2, 1] * 12
    assert json.loads(programs["extra"][5].as_py()) == {"seed": 5}


def test_a_message_that_cannot_be_written_is_escaped(tmp_path, judge):
    """A lone surrogate in an exception's text is no UTF-8, and must not cost the others of its part their verdicts."""
    problems, programs = tmp_path / "problems.jsonl", tmp_path / "programs.jsonl"
    write_problems(
        problems,
        [
            Problem("a", "", "assert", entry_point="f", test_code="assert f(1) == 2"),
            Problem("c", "", "call", entry_point="f", inputs=([1],), outputs=(2,)),
            Problem("s", "", "stdin", inputs=("",), outputs=("2",)),
        ],
    )
    says = "raise ValueError('\\ud800')"
    rows = {
        "a": [
            f"def f(x): {says}",
            "def f(x): return x + 1",
            "class E(Exception): pass\nE.__name__ = '\\ud800'\ndef f(x): raise E",
        ],
        "c": ['import os\ndef f(x):\n    os.write(3, b\'{"y":"\\\\ud800"}\')\n    os._exit(0)', "def f(x): return '\\ud800'"],
        "s": [says, "print('\\ud800')", "x = '\ud800'"],
    }
    lines = [json.dumps({"problem_id": name, "program": source}) for name, sources in rows.items() for source in sources]
    programs.write_text("\n".join(lines))
    judge_shard(problems, programs, tmp_path / "out", OPTIONS)
    tests = read_parts(tmp_path / "out" / "tests").to_pylist()
    assert [row["verdict"] for row in tests] == [
        *("runtime_error", "pass", "runtime_error"),
        *("wrong_answer", "wrong_answer"),
        *("runtime_error", "runtime_error", "compile_error"),
    ]
    assert "\\ud800" in tests[0]["message"]


def test_again_judges_nothing_twice(tmp_path, files):
    judge_shard(*files, tmp_path / "out", OPTIONS, workers=2, part_programs=10)
    before = {path: path.stat().st_mtime_ns for path in part_paths(tmp_path / "out" / "programs")}
    next(iter(before)).unlink()  # a part that was lost
    summary = judge_shard(*files, tmp_path / "out", OPTIONS, workers=2, part_programs=10)
    assert (summary.programs, summary.judged_now, sum(summary.verdicts.values())) == (24, 10, 24)
    after = {path: path.stat().st_mtime_ns for path in part_paths(tmp_path / "out" / "programs")}
    assert [path for path in before if before[path] == after[path]] == list(before)[1:]


def children(pid):
    """All descendants of a process: (pid, command line)."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat, open(f"/proc/{entry}/cmdline") as cmdline:
                    parents[int(entry)] = (int(stat.read().rsplit(")", 1)[1].split()[1]), cmdline.read())
            except OSError:
                continue
    found, fresh = {}, {pid}
    while fresh:
        fresh = {p for p, (parent, _) in parents.items() if parent in fresh}
        found |= {p: parents[p][1] for p in fresh}
    return found


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("victim", ["driver", "worker", "jail"])
def test_kill_in_the_middle(tmp_path, files, victim):
    unbroken, out = tmp_path / "unbroken", tmp_path / "out"
    judge_shard(*files, unbroken, OPTIONS, workers=2)
    driver = subprocess.Popen(command(files, out, "--part-programs", "4"), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: len(part_paths(out / "programs")) >= 2)
    family = children(driver.pid)
    if victim == "driver":
        driver.kill()
        driver.wait()
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid, line in family.items() if "nsjail" in line), seconds=5)
        assert len(part_paths(out / "programs")) < 6, "it was not killed in the middle"
        subprocess.run(command(files, out, "--part-programs", "4"), check=True, capture_output=True)
    else:
        mark = "nsjail\0-Mo" if victim == "jail" else "spawn_main"
        os.kill(next(pid for pid, line in family.items() if mark in line), signal.SIGKILL)
        assert driver.wait(60) == 0
    assert outcome(out) == outcome(unbroken)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ({"problem_id": "r", "program": ""}, "programs.jsonl:25: problem_id 'r' is none of the problems given"),
        ('{"problem_id"', "programs.jsonl:25: broken JSON"),
        ({"problem_id": "p", "program": "", "author": "\ud800"}, "programs.jsonl:25: author '\\ud800' holds a lone surrogate"),
        ({"problem_id": "p", "program": "", "sample": 1 << 31}, "programs.jsonl:25: sample 2147483648 is not from 0 to below"),
    ],
)
def test_bad_program_stops_everything(tmp_path, files, bad, what):
    with files[1].open("a") as file:
        file.write((bad if isinstance(bad, str) else json.dumps(bad)) + "\n")
    done = subprocess.run(command(files, tmp_path / "out"), capture_output=True, text=True)
    assert done.returncode == 2
    assert what in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--shard", "4/4"], "--shard 4/4: write I/N with I from 0 to N-1"),
        (["--shard", "a"], "--shard a: write I/N"),
        (["--workers", "0"], "--workers 0: at least 1"),
        (["--cpu-s", "-1"], "limit cpu_s must be a number above 0, not -1.0"),
        (["--part-programs", "0"], "0 programs a part: at least 1"),
    ],
)
def test_bad_options_are_named(tmp_path, files, more, what):
    done = subprocess.run(command(files, tmp_path / "out", *more), capture_output=True, text=True)
    assert (done.returncode, what in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_full_disk_stops_it_and_nothing_is_lost(tmp_path, files, judge):
    """The disk is full as far as this process goes: it may write no file of more than 1,000 bytes."""
    out, unbroken = tmp_path / "out", tmp_path / "unbroken"
    limited = "import resource, runpy\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000, -1))\nrunpy.run_module('sandbox', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", limited, *command(files, out)[3:]], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: [Errno 27] File too large"), done.stderr
    subprocess.run(command(files, out), check=True, capture_output=True)
    judge_shard(*files, unbroken, OPTIONS, workers=2)
    assert outcome(out) == outcome(unbroken)


def test_missing_parts_of_the_machine_are_named(tmp_path, files):
    done = subprocess.run(command(files, tmp_path / "out", "--python", "/bin/true"), capture_output=True, text=True)
    assert (done.returncode, "sandbox python '/bin/true' is no CPython" in done.stderr) == (1, True)
    with pytest.raises(NotFoundError, match="'/no/nsjail' is not an executable"):
        judge_shard(*files, tmp_path / "out", JudgeOptions(OPTIONS.limits, nsjail="/no/nsjail"))
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_verdicts_is_refused(tmp_path, files):
    judge_shard(*files, tmp_path / "out", OPTIONS, shard=0, shards=12)
    done = subprocess.run(command(files, tmp_path / "out", "--memory-mib", "512"), capture_output=True, text=True)
    assert done.returncode == 2
    assert "other shards, part_programs, limits" in done.stderr or "other shards, limits" in done.stderr


def test_help_is_quick_and_light():
    code = "import sys; sys.argv = ['x', '--help']\ntry:\n    import sandbox.__main__ as m; m.main(['--help'])\nexcept SystemExit: pass\nassert not {'pyarrow', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
