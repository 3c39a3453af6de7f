"""A real Slurm for all tests that want one, with accounting."""

import os

import pytest

from slurm import minicluster


def need_packages():
    """Skips where Slurm is not installed; fails instead where it must be (REQUIRE_SLURM, which .ci/run sets)."""
    if missing := minicluster.missing_packages():
        reason = f"no Slurm on this machine: {', '.join(missing)} not installed"
        pytest.fail(reason) if os.environ.get("REQUIRE_SLURM") else pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """The environment of a running cluster."""
    need_packages()
    folder = tmp_path_factory.mktemp("slurm") / "c"
    environment = minicluster.up(folder)
    yield {**os.environ, **environment}
    minicluster.down(folder)
