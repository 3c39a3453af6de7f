"""What an evaluation costs a cluster, worked out from what was measured of small ones. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KINDS = {  # of a file in a run directory, by the end of its path or the folder it is in
    "parts": (".parquet",),
    "pickles": (".pkl",),
    "logs": (".out", ".err"),
    "scripts": (".sh",),
}
FOLDERS = {"_done": "done", "_lock": "locks", "progress": "progress"}


def kind_of(path: Path) -> str:
    """Of a path in a run directory; `run` is what there is once, however many tasks."""
    for folder, kind in FOLDERS.items():
        if folder in path.parts:
            return kind
    return next((kind for kind, ends in KINDS.items() if path.name.endswith(ends)), "run")


def census(sizes: Mapping[Path, int]) -> dict[str, tuple[int, int]]:
    """Kind → (files, bytes). sizes: of each file, by its path in the run directory."""
    found: dict[str, tuple[int, int]] = {}
    for path, size in sizes.items():
        files, held = found.get(kind_of(path), (0, 0))
        found[kind_of(path)] = files + 1, held + size
    return found


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, a task or a program. Made by `array_scaling`; read by `cost`."""

    files_a_task: float  # all but parts and what there is once
    log_files_a_task: float  # those of them in the folder of logs
    bytes_a_task: float
    bytes_a_program: float  # in parts
    submit_s_a_task: float
    controller_s_a_task: float  # CPU, to take the array in
    reading_s_a_program: float  # what a task takes to pass over a program, its own or not
    part_programs: int  # programs of a part
    most_tasks: int  # of an array


@dataclass(frozen=True, slots=True)
class Cost:
    """What an evaluation leaves and takes. Made by `cost`."""

    tasks: int
    sbatch_calls: int
    submit_s: float
    controller_cpu_s: float
    files: int
    gb: float
    fullest_directory: str
    files_in_it: int
    hours: float  # of the whole array, where every task runs at once
    reading_share: float  # of a task's time, for passing over all programs


def cost(figures: Figures, programs: int, tasks: int, workers: int, program_s: float) -> Cost:
    """Of `programs`, each `program_s` seconds of a core, dealt out to tasks that judge `workers` at once."""
    each = math.ceil(programs / tasks)
    parts = tasks * math.ceil(each / figures.part_programs)
    reading_s = programs * figures.reading_s_a_program
    judging_s = each * program_s / workers
    calls = math.ceil(tasks / figures.most_tasks)
    folders = {"tests/, programs/": parts, "logs/STAGE/N": round(figures.log_files_a_task * math.ceil(tasks / calls))}
    fullest = max(folders, key=lambda name: folders[name])
    return Cost(
        tasks,
        calls,
        round(tasks * figures.submit_s_a_task, 1),
        round(tasks * figures.controller_s_a_task, 2),
        round(2 * parts + tasks * figures.files_a_task),
        round((programs * figures.bytes_a_program + tasks * figures.bytes_a_task) / 1e9, 1),
        fullest,
        folders[fullest],
        round((reading_s + judging_s) / 3600, 2),
        round(reading_s / (reading_s + judging_s), 3),
    )


def tasks_of(programs: int, program_s: float, workers: int, task_s: float, nodes: int, slots: int) -> int:
    """So many that each takes about `task_s`; at least one for every place where one can run, at most one a program."""
    places = nodes * max(1, slots // workers)
    return min(programs, max(places, math.ceil(programs * program_s / workers / task_s)))


def table(rows: Mapping[str, Cost]) -> str:
    """A line a figure, a column an evaluation."""
    columns: dict[str, dict[str, Any]] = {name: asdict(each) for name, each in rows.items()}
    names = list(next(iter(columns.values())))
    lines = ["".join([f"{'':20}", *(f"{name:>28}" for name in columns)])]
    lines += ["".join([f"{name:20}", *(f"{each[name]:>28}" for each in columns.values())]) for name in names]
    return "\n".join(lines)
