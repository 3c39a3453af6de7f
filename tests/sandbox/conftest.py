"""One judge for all tests of the sandbox; skips, saying so, where this machine has no jail."""

from collections.abc import Iterator

import pytest

from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits

LIMITS = Limits(cpu_s=1.5, wall_s=6, memory_mib=256, output_bytes=1 << 20)


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    try:
        with Judge(JudgeOptions(LIMITS)) as made:
            yield made
    except NotFoundError as error:
        pytest.skip(f"no jail on this machine: {error}")
