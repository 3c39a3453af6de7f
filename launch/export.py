"""A run's model before its training is done."""

from __future__ import annotations

from pathlib import Path

from launch.config import ConfigError
from launch.plan import Stage, read_plan


def export_newest(run: Path, name: str | None, out: Path) -> str:
    """Writes the newest checkpoint of a training stage as the Hugging Face folder `out`; what to tell of it.

    Without a name: of the first training stage that is not done. Raises ConfigError with what can be given instead.
    """
    if out.exists():
        raise ConfigError(f"--out {out}: is there already; name a new folder")
    run = run.absolute()
    stage = _stage(run, name)
    model, resume = run / stage.outputs["model"], run / stage.outputs["training"] / "resume"
    if (model / "config.json").is_file():
        raise ConfigError(f"stage {stage.name} is done: its model is {model}")
    if not (resume / "latest.json").is_file():
        raise ConfigError(f"stage {stage.name} has no checkpoint yet ({resume / 'latest.json'}); see `launch status {run}`")
    from core.export import export

    try:
        step = export(resume, out)
    except (OSError, ValueError) as error:
        raise ConfigError(str(error)) from error
    return f"{out}: the model of stage {stage.name} after {step} steps"


def _stage(run: Path, name: str | None) -> Stage:
    """The training stage of that name, else the first that is not done, else the last."""
    training = {stage.name: stage for stage in read_plan(run) if {"training", "model"} <= stage.outputs.keys()}
    if not training:
        raise ConfigError(f"{run}: none of its stages trains a model")
    if name is not None and name not in training:
        raise ConfigError(f"--stage {name}: no training stage of {run}; valid are {', '.join(training)}")
    if name is not None:
        return training[name]
    *_, last = training.values()
    return next((stage for stage in training.values() if not (run / stage.outputs["model"] / "config.json").is_file()), last)
