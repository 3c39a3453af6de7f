"""A run's own copy of the code: every job of the run runs it, whatever happens to the live tree."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

FLOORS = ("launch", "core", "sandbox", "results", "slurm")
SOURCE = Path(__file__).resolve().parent.parent


def take(run: Path, source: Path = SOURCE) -> Path:
    """Copies the floors to `run/code`, beside and renamed; a snapshot that is there is kept. Returns its folder."""
    code = run / "code"
    if not code.is_dir():
        beside = run / f"_code.{os.getpid()}"
        shutil.rmtree(beside, ignore_errors=True)
        for file in _files(source):
            copy = beside / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, copy)
        beside.rename(code)
    return code


def digest(source: Path = SOURCE) -> str:
    """Twelve hex digits over the names and bytes of a tree's floors."""
    sha = hashlib.sha256()
    for file in _files(source):
        content = (source / file).read_bytes()
        sha.update(f"{file}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()[:12]


def _files(source: Path) -> list[Path]:
    """The floors' files, relative to `source`, by name; caches and hidden files are left out."""
    found = [path.relative_to(source) for floor in FLOORS for path in (source / floor).rglob("*") if path.is_file()]
    return sorted(p for p in found if p.suffix != ".pyc" and not any(part[0] == "." or part == "__pycache__" for part in p.parts))
