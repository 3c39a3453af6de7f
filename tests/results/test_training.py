import pyarrow as pa
import pytest

from results.parts import write_part
from results.training import mean_line, plot_training, plot_trainings, smoothed


def test_steps_are_drawn(tmp_path):
    rows = [{"step": i, "reward": -1 + i / 10, "pass_rate": i / 20, "stage": 1.0, "kl": 0.01 * i} for i in range(12)]
    for row in rows:
        write_part(tmp_path / "steps", f"{row['step']:06d}", pa.Table.from_pylist([row]))
    for suffix in (".png", ".svg"):
        plot_training(tmp_path / "steps", tmp_path / f"training{suffix}")
    text = (tmp_path / "training.svg").read_text()
    assert text.count('id="axes_') == 4
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("_training*"))


def test_what_cannot_be_drawn_is_named(tmp_path):
    with pytest.raises(ValueError, match="unknown picture format '.bmp'"):
        plot_training(tmp_path, tmp_path / "training.bmp")
    with pytest.raises(FileNotFoundError, match="holds no Parquet part"):
        plot_training(tmp_path / "steps", tmp_path / "training.png")


def test_methods_of_several_runs_are_drawn(tmp_path):
    rows = [{"step": i, "reward": i / 10, "pass_rate": i / 20, "stage": 1.0, "kl": 0.01 * i} for i in range(12)]
    path = tmp_path / "curves.svg"
    plot_trainings({"small+a": [rows, rows[:7]], "small+b": [rows]}, path)
    text = path.read_text()
    for said in ("small+a (2 runs)", "small+b", "step (thin: a run, thick: their mean; each the mean over the last ten)"):
        assert f"<!-- {said}" in text
    with pytest.raises(ValueError, match="nothing to draw, a training has done no step yet"):
        plot_trainings({"small+a": [rows, []]}, path)
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_trainings({}, path)


def test_lines_by_hand():
    assert smoothed([2.0, 4, 6]) == [2, 3, 4]
    assert smoothed([0.0] + [10.0] * 10)[9:] == [9, 10]  # the eleventh no longer sees the first
    # The second run was killed after step 2: from there on the mean would be the first run's alone.
    assert mean_line([{1: 1.0, 2: 2.0, 3: 9.0}, {1: 3.0, 2: 4.0}]) == {1: 2, 2: 3}
