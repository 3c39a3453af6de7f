import pyarrow as pa
import pytest

from results.parts import write_part
from results.training import plot_training


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
