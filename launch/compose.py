"""A checked `Config` from `launch/conf` and the command line's overrides. The only file that knows hydra."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from core.datasets import absolute
from launch.config import ClusterOptions, Config, ConfigError, check

CONF = Path(__file__).resolve().parent / "conf"


def groups() -> dict[str, list[str]]:
    """The config groups, each with the names that may be chosen."""
    folders = sorted(p for p in CONF.iterdir() if p.is_dir() and p.name[0] not in "_.")
    return {folder.name: sorted(p.stem for p in folder.glob("*.yaml")) for folder in folders}


def compose(overrides: list[str]) -> Config:
    """Composes, checks and makes paths absolute, since jobs run in another folder.

    Raises ConfigError, one line: the key, the value and what is valid.
    """
    checked = [_checked_override(text) for text in overrides]
    ConfigStore.instance().store(name="schema", node=Config)
    try:
        with initialize_config_dir(str(CONF), job_name="launch", version_base="1.3"):
            composed = hydra_compose("config", overrides=checked)
        config = typing.cast(Config, OmegaConf.to_object(composed))
    except (HydraException, ConfigCompositionException, OmegaConfBaseException) as error:
        raise ConfigError(_one_line(error)) from error
    except ValueError as error:  # the dataclasses' own checks
        raise ConfigError(str(error).replace("limit ", "judge.limits.", 1)) from error
    check(config)
    _absolute_paths(config)
    return config


def cluster_of(written: Path, overrides: Sequence[str] = ()) -> ClusterOptions:
    """Where a run's jobs go: as its config has it, or as `cluster=NAME cluster.KEY=VALUE …` say. ConfigError."""
    if strange := [text for text in overrides if not re.match(r"cluster[.=]", text)]:
        raise ConfigError(f"{strange[0]}: a run that has begun takes another cluster only: cluster=NAME or cluster.KEY=VALUE")
    if any(text.startswith("cluster=") for text in overrides):
        return compose(["run_dir=_", *overrides]).cluster
    for text in overrides:
        _checked_override(text)
    before = OmegaConf.load(written).cluster
    after = OmegaConf.from_dotlist([text.removeprefix("cluster.") for text in overrides])
    try:
        merged = OmegaConf.merge(OmegaConf.structured(ClusterOptions), before, after)
        return typing.cast(ClusterOptions, OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:
        raise ConfigError(f"cluster: {_one_line(error)}") from error


def to_yaml(config: Config) -> str:
    """The whole config as YAML, every value written out."""
    return OmegaConf.to_yaml(OmegaConf.structured(config))


def read_flat(path: Path) -> dict[str, Any]:
    """A written config as {dotted key: value}."""
    flat: dict[str, Any] = {}

    def walk(node: Any, prefix: str) -> None:
        for key, value in node.items():
            if isinstance(value, dict) and value:
                walk(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = value

    walk(OmegaConf.to_container(OmegaConf.load(path)), "")
    return flat


def _checked_override(text: str) -> str:
    """One `key=value` with a known key. Free keys (cluster.gpu.*, cluster.cpu.*) get hydra's ++."""
    key, equals, value = text.partition("=")
    if not equals or not key or key[0] in "+~-":
        raise ConfigError(f"{text}: not understood; write key=value, for instance seed=1 (--help shows more)")
    if key in groups():
        if value not in groups()[key] and text != "experiment=null":
            raise ConfigError(f"{text}: no such config; choose from {', '.join(groups()[key])}")
        return text
    kind: Any = Config
    here: list[str] = []
    for part in key.split("."):
        if typing.get_origin(kind) is dict:
            return "++" + text
        names = [f.name for f in fields(kind)] if is_dataclass(kind) else []
        if part not in names:
            raise ConfigError(_unknown_key(text, here, names))
        kind = typing.get_type_hints(kind)[part]
        here.append(part)
    if is_dataclass(kind):
        raise ConfigError(f"{text}: {key} holds several keys ({', '.join(f.name for f in fields(kind))}); set them one by one")
    return _quoted(key, value) if kind is str or (kind == str | None and value != "null") else text


def _quoted(key: str, value: str) -> str:
    """A string as hydra's grammar wants it, so that paths may hold spaces, quotes, ~ and the like."""
    if value[:1] in ("'", '"') or "${" in value:
        return f"{key}={value}"
    return key + "='" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value) + "'"


def _unknown_key(text: str, here: list[str], names: list[str]) -> str:
    place = ".".join(here)
    if not names:
        return f"{text}: no such key; {place} is a single value"
    names = names + ([] if here else ["experiment"])
    last = text.partition("=")[0].rpartition(".")[2]
    close = [key for key in _keys(Config) if key.endswith("." + last)]
    close = close or [".".join([*here, name]) for name in difflib.get_close_matches(last, names, n=1)]
    hint = f" (did you mean {' or '.join(close[:3])}?)" if close else ""
    return f"{text}: no such key{hint}; the keys {'of ' + place if place else 'here'} are {', '.join(names)}"


def _keys(kind: Any, prefix: str = "") -> list[str]:
    found = []
    for name, hint in typing.get_type_hints(kind).items():
        found += _keys(hint, f"{prefix}{name}.") if is_dataclass(hint) else [prefix + name]
    return found


def _one_line(error: BaseException) -> str:
    """What is wrong with which value: the first cause that names its key, else the error's first line."""
    cause: BaseException | None = error
    while cause is not None:
        key = getattr(cause, "full_key", None)
        if key:
            value = f"={cause.value}" if isinstance(cause, ValidationError) else ""
            return f"{key}{value}: {str(cause).splitlines()[0]}"
        cause = cause.__cause__ or cause.__context__
    lines = str(error).splitlines()
    if lines[0].startswith("Ambiguous value"):
        return f"{lines[0].partition(chr(39))[2].rstrip(chr(39))}: one value a key; a list is written key=[1,2]"
    return " ".join(line.strip() for line in lines if not line.startswith("See https:"))


def _absolute_paths(config: Config) -> None:
    local = Path(config.model.path).expanduser()
    if local.exists() or config.model.path[:1] in "/.~":
        config.model.path = str(local.absolute())
    for name in ("nsjail", "python"):
        if "/" in getattr(config.judge, name):
            setattr(config.judge, name, str(Path(getattr(config.judge, name)).expanduser().absolute()))
    for source in (config.data.train, config.data.test, config.data.warmup):
        source.name = absolute(source.name) if source.name else ""
