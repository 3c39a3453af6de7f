import pytest

from tests.core import forks, runs, tiny


@pytest.fixture(scope="session")
def judged(tmp_path_factory):
    """A folder with a tiny model, problems, and programs with their verdicts."""
    made = tmp_path_factory.mktemp("judged")
    tiny.folder(made / "tiny")
    tiny.judged_run(made)
    return made


@pytest.fixture(scope="session")
def finetuned(judged, tmp_path_factory):
    """A run of BTP on `judged` that nothing disturbed."""
    run = tmp_path_factory.mktemp("finetuned")
    forks.finish(1, run / "log", runs.finetune, judged, run, {})
    return run
