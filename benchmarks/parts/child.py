"""A child process that answers requests: JSON lines on its standard input and output. And what a step took there."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, TextIO

Answer = dict[str, Any]


class Child:
    """A running command, for `ask`; a context manager."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
        )

    def ask(self, request: Any) -> Answer:
        """The answer to a request; RuntimeError where the child has ended, which says why on standard error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise RuntimeError(f"{self.name} ended with exit status {self._process.wait()}") from error
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with exit status {self._process.wait()}")
        answer: Answer = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input ends it


def own_output() -> TextIO:
    """The standard output, for answers alone: what else the process prints goes to standard error from now on."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def serve(answer: Callable[[Any], Answer], answers: TextIO | None = None) -> None:
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers or sys.stdout, flush=True)


class Clock:
    """Seconds of a step by its phases: of the CPU, all threads together, and of the wall."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self.wall_s: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Within another phase, the time counts for the inner one alone."""
        cpu, wall = self._elsewhere()
        yield
        cpu_now, wall_now = self._elsewhere()
        self.add(name, cpu_now - cpu, wall_now - wall)

    def _elsewhere(self) -> tuple[float, float]:
        """What no phase has counted yet."""
        return time.process_time() - sum(self.cpu_s.values()), time.perf_counter() - sum(self.wall_s.values())

    def add(self, name: str, cpu_s: float, wall_s: float) -> None:
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + cpu_s
        self.wall_s[name] = self.wall_s.get(name, 0.0) + wall_s


def peak_mib() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
