import csv
import io
import json
import subprocess
import sys

import pytest

from results.__main__ import LIST_FORMATS, main
from results.programs import FORMATS
from tests.results.judged_parts import program, write_judged, write_run


@pytest.fixture
def run(tmp_path):
    return str(write_run(tmp_path / "demo"))


def test_table_prints_each_format(run, capsys):
    for name, start in (("rich", " "), ("md", "| metric"), ("latex", "%"), ("csv", "run,author"), ("json", "{")):
        assert main(["table", run, "--format", name, "--k", "1,2"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith(start)
        assert "pass@2" in out
        assert err == ""


def test_output_is_whole_or_not_there(run, tmp_path, capsys):
    path = tmp_path / "table.md"
    assert main(["table", run, "--format", "md", "--output", str(path)]) == 0
    assert path.read_text().startswith("| metric")
    assert capsys.readouterr().out == ""
    assert main(["programs", run, "--author", "nobody", "--output", str(tmp_path / "p.txt")]) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo", "table.md"]


def test_csv_says_its_notes_on_stderr(tmp_path, capsys):
    folder = write_judged(tmp_path / "judged", [program("a", 4), program("b", 0, verdict="judge_error")])
    assert main(["table", str(folder), "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert len(list(csv.reader(io.StringIO(out)))) == 1 + 3 * 2
    assert "1 of 2 programs dropped" in err


def test_plot_writes_and_names_the_picture(run, tmp_path, capsys):
    path = tmp_path / "p.png"
    assert main(["plot", run, "--metric", "pass@2", "--k", "2", "--output", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_over_runs_and_against(run, tmp_path, capsys):
    other = str(write_run(tmp_path / "again"))
    assert main(["table", run, other, "--over-runs", "--format", "md"]) == 0
    assert "| n | base+btp | 2 × 1 × 2 | 2 × 1 × 2 | 2 × 2 × 2 |" in capsys.readouterr().out
    assert main(["table", run, other, "--over-runs", "--against", "base", "--format", "csv"]) == 0
    out, err = capsys.readouterr()
    assert next(csv.DictReader(io.StringIO(out)))["estimate"] == "0.25"
    assert "note: base+btp and base: 2 pairs of one run each" in err
    path = tmp_path / "p.png"
    assert main(["plot", run, other, "--over-runs", "--output", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_programs_as_jsonl_expand_extra(tmp_path, capsys):
    extra = json.dumps({"temperature": 0.8, "verdict": "theirs", "tags": ["x"]})
    rows = [program("a", 4, extra=extra, logprob_sum=float("-inf"), token_count=7), program("b", 1, sample=None)]
    assert main(["programs", str(write_judged(tmp_path / "judged", rows)), "--format", "jsonl"]) == 0
    first, second = (json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().out.splitlines())
    assert (first["temperature"], first["tags"], first["verdict"], first["extra.verdict"]) == (0.8, ["x"], "pass", "theirs")
    assert (first["logprob_sum"], first["token_count"], first["tests_passed"], first["wall_s"]) == (None, 7, 4, 0.5)
    assert "extra" not in first
    assert (second["problem_id"], second["sample"], second["verdict"]) == ("b", None, "wrong_answer")


def test_programs_filter_and_formats(run, capsys):
    assert main(["programs", run, "--format", "csv", "--verdict", "wrong_answer", "--author", "base+btp"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["problem_id"], row["sample"], row["tests_passed"]) for row in rows] == [("b", "1", "1")]
    assert main(["programs", run]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 3 + 4 + 4
    assert FORMATS == LIST_FORMATS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table", "RUN", "--k", "5"], "pass@5 needs 5 programs a problem, base has 2 for problem a"),
        (["table", "RUN/nowhere"], "nowhere: no such folder"),
        (["table", "RUN", "--output", "RUN/no/such/t.md"], "no folder"),
        (["programs", "RUN", "--verdict", "passed"], "'passed'; valid: pass, wrong_answer"),
        (["programs", "RUN", "--author", "nobody"], "'nobody'; authors there: base, base+btp"),
        (["table", "RUN", "--against", "base"], "give --over-runs too"),
        (["table", "RUN", "--over-runs", "--against", "nobody"], "'nobody' to compare with; authors there: base, base+btp"),
        (["plot", "RUN", "--output", "RUN/p.gif"], "valid: .png, .pdf, .svg"),
        (["plot", "RUN", "--output", "RUN/p.png", "--metric", "accuracy"], "valid: pass_rate, strict_accuracy, pass@1"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, capsys, arguments, said):
    assert main([argument.replace("RUN", run) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert said in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table", "x", "--k", "1,ten"], "'1,ten' is no list of whole numbers"),
        (["table", "x", "--k", "0"], "'0' is no list"),
        (["table", "x", "--format", "html"], "rich"),
        (["table"], "FOLDER"),
        ([], "{table,plot,training,programs}"),
    ],
)
def test_mistyped_options_are_status_2(capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_reader_that_leaves_is_quiet(tmp_path):
    rows = [program(f"p/{i}", 1) for i in range(20_000)]
    command = [sys.executable, "-m", "results", "programs", str(write_judged(tmp_path / "judged", rows)), "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize(
    "arguments", [["--help"], ["table", "--help"], ["programs", "--help"], ["plot", "--help"], ["training", "--help"]]
)
def test_help_imports_nothing_heavy(arguments):
    heavy = ["pyarrow", "numpy", "matplotlib", "rich", "torch", "transformers", "hydra"]
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['results', *{arguments}]\n"
        "try: runpy.run_module('results', run_name='__main__')\n"
        f"finally: print([name for name in {heavy} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "examples:" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
