import pyarrow as pa
import pytest

from results.__main__ import main
from results.parts import write_part
from results.steps import by_method, find_training, find_trainings, read_steps, training_text
from tests.results.trainings import rollout, step_row, write_steps, write_training_run


def cells(text):
    """The lines below the headings, cut up."""
    return [line.split() for line in text.splitlines()[3:]]


def test_a_line_by_hand(tmp_path):
    run = write_training_run(tmp_path / "run")
    rows = [step_row(0, reward=-1.0, pass_rate=0.0), step_row(1, reward=0.5, pass_rate=0.5, tokens=300.0, decode_s=6.0)]
    rollouts = [
        rollout(0, "competition", 1, "wrong_answer"),
        rollout(0, "introductory", 0, "judge_error"),  # no pass and no failure either
        rollout(0, "introductory", 0, "runtime_error"),
        rollout(1, "introductory", 0, "pass"),
        rollout(1, "competition", 2, "pass"),
        rollout(2, "introductory", 0, "pass"),  # its step is not written yet
    ]
    write_steps(run / "train", rows, rollouts)
    training = find_training(run)
    text = training_text(training, read_steps(training.steps))
    assert text.splitlines()[0] == f"small+stepcoder, seed 3: 2 of 30 steps  ({run})"
    assert text.splitlines()[1].split() == ["pass", "(%)", "whole", "(%)", "tokens", "judge", "tokens/s", "s", "a"]
    first, second = cells(text)
    assert first[:9] == ["1", "-1.00", "0.0", "0.0", "0.0", "66.7", "0.0", "0.50", "0.010"]
    assert second == [
        "2",
        "+0.50",
        "50.0",
        "100.0",
        "100.0",
        "50.0",
        "100.0",
        "0.50",
        "0.010",
        "1.50",
        "10.0%",
        "0.0%",
        "50",
        "600",
        "300",
        "8.0",
    ]
    assert len({len(line) for line in text.splitlines()[2:]}) == 1  # columns stand under their headings


def test_many_steps_are_ten_lines_of_means(tmp_path):
    write_steps(tmp_path, [step_row(i, reward=i / 10, tokens=100.0 * i, decode_s=1.0 + i) for i in range(25)])
    text = training_text(find_training(tmp_path), read_steps(tmp_path / "steps"))
    assert text.splitlines()[0] == f"{tmp_path}: 25 steps"
    lines = cells(text)
    assert [line[0] for line in lines] == ["1–3", "4–6", "7–9", "10–12", "13–15", "16–17", "18–19", "20–21", "22–23", "24–25"]
    assert lines[1][1] == "+0.40"  # of steps 4 to 6: 0.3, 0.4, 0.5
    assert lines[1][-4] == "80"  # 1200 tokens in 15 s, not the mean of 75, 80 and 83.3
    last = cells(training_text(find_training(tmp_path), read_steps(tmp_path / "steps", last=3)))
    assert [line[0] for line in last] == ["23", "24", "25"]


def test_steps_of_an_older_version_tell_less(tmp_path):
    old = [{name: value for name, value in step_row(0).items() if name not in ("entropy", "score_s")}]
    write_steps(tmp_path, old, [rollout(0)])
    (line,) = cells(training_text(find_training(tmp_path), read_steps(tmp_path / "steps")))
    assert line == ["1", "-0.50", "25.0", "100.0", "100.0", "0.50", "0.010", "–", "10.0%", "0.0%", "50", "–", "100", "3.5"]


def test_while_it_trains_whole_parts_are_read(tmp_path):
    run = write_training_run(tmp_path / "run")
    training = find_training(run)
    assert training_text(training, read_steps(training.steps)).startswith("small+stepcoder, seed 3: no step of 30 is done yet")
    write_steps(run / "train", [step_row(0)], [rollout(0)])
    (run / "train" / "steps" / "_part-000001.node.7").write_bytes(b"half")
    assert len(read_steps(training.steps)) == 1
    assert by_method([(training, read_steps(training.steps)), (training, [])]) == {"small+stepcoder": [[step_row(0)]]}


def test_what_is_no_training_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        find_training(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no training; looked for plan\.json"):
        find_training(tmp_path)
    with pytest.raises(ValueError, match=r"no training from test feedback \(stepcoder\); its plan trains by sft"):
        find_training(write_training_run(tmp_path / "sft", kind="sft"))
    (tmp_path / "plan.json").write_text("[")
    with pytest.raises(ValueError, match=r"plan\.json: no JSON"):
        find_training(tmp_path)
    write_part(tmp_path / "loss" / "steps", "000000", pa.Table.from_pylist([{"step": 0, "loss": 1.0}]))
    with pytest.raises(
        ValueError, match="not the steps of a training from test feedback, they have no reward, pass_rate, stage, kl"
    ):
        read_steps(tmp_path / "loss" / "steps")
    run = write_training_run(tmp_path / "run")
    write_steps(run / "train", [step_row(0)])
    with pytest.raises(ValueError, match="train: given twice"):
        find_trainings([run, run / "train"])
    with pytest.raises(ValueError, match="the last 0 steps"):
        read_steps(run / "train" / "steps", last=0)


def test_the_command(tmp_path, capsys):
    runs = [write_training_run(tmp_path / f"s{seed}", seed=seed) for seed in (0, 1)]
    for run in runs:
        write_steps(run / "train", [step_row(i) for i in range(12)], [rollout(i) for i in range(12)])
    waiting = write_training_run(tmp_path / "waits", author="small+grpo")
    picture = tmp_path / "curves.svg"
    assert main(["training", *map(str, runs), str(waiting), "--last", "5", "--output", str(picture)]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if "seed" in line][1].startswith("small+stepcoder, seed 1: 12 of 30 steps")
    assert "small+grpo, seed 3: no step of 30 is done yet" in out
    assert out.endswith(f"{picture}\n")
    assert "<!-- small+stepcoder (2 runs)" in picture.read_text()
    assert "grpo" not in picture.read_text()
    for arguments, said in (
        (["training", str(waiting), "--output", str(picture)], "nothing to draw"),
        (["training", str(tmp_path)], "no training; looked for"),
        (["training", str(runs[0]), "--output", str(tmp_path / "c.gif")], "valid: .png, .pdf, .svg"),
    ):
        assert main(arguments) == 2
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["training", str(runs[0]), "--last", "0"])
    assert "'0' is no whole number >= 1" in capsys.readouterr().err
