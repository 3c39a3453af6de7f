"""What the context of signals does alone; that all ranks stop together is tested with checkpoints."""

import os
import signal
import threading
import time

import pytest

from core.signals import heeded
from tests.core import forks, runs


def begun(log, *arguments):
    (process,) = forks.begin(1, log, runs.loop, *arguments)
    forks.said(log, "looping")
    return process


@pytest.mark.slow
def test_signals_are_noted_then_do_what_they_would_have_done(tmp_path):
    default = begun(tmp_path / "default", 60)
    os.kill(default.pid, signal.SIGTERM)
    assert forks.ended([default]) == [-signal.SIGTERM]
    assert (tmp_path / "default").read_text().endswith(f"left {signal.SIGTERM}\n")

    once = begun(tmp_path / "once", 1)
    for _ in range(2):  # the second one at once is torchrun's copy
        os.kill(once.pid, signal.SIGINT)
        time.sleep(0.05)
    assert forks.ended([once]) == [1]  # by KeyboardInterrupt
    log = (tmp_path / "once").read_text()
    assert f"left {int(signal.SIGINT)}\n" in log
    assert "Ctrl-C again stops at once" in log
    assert "KeyboardInterrupt" in log

    twice = begun(tmp_path / "twice", 60)
    os.kill(twice.pid, signal.SIGINT)
    time.sleep(0.7)
    os.kill(twice.pid, signal.SIGINT)
    assert forks.ended([twice], 20) == [1]
    assert "left" not in (tmp_path / "twice").read_text()


@pytest.mark.slow
def test_an_ignored_signal_stays_ignored_and_a_handler_that_comes_back_ends_nothing_well(tmp_path):
    ignoring = begun(tmp_path / "ignoring", 1, "ignored")
    os.kill(ignoring.pid, signal.SIGTERM)
    assert forks.ended([ignoring]) == [0]
    assert (tmp_path / "ignoring").read_text().endswith("left 0\n")

    handling = begun(tmp_path / "handling", 60, "handled")
    os.kill(handling.pid, signal.SIGTERM)
    assert forks.ended([handling]) == [128 + signal.SIGTERM]
    assert (tmp_path / "handling").read_text().endswith("handled\n")


def test_an_error_goes_out_though_a_signal_was_noted():
    before = signal.getsignal(signal.SIGUSR1)

    def fail():
        with heeded() as asked:
            signal.raise_signal(signal.SIGUSR1)
            raise ZeroDivisionError(asked.number)

    with pytest.raises(ZeroDivisionError, match=str(int(signal.SIGUSR1))):
        fail()
    assert signal.getsignal(signal.SIGUSR1) is before


def test_in_another_thread_nothing_is_heeded():
    entered = []

    def enter():
        with heeded() as asked:
            entered.append((asked.number, signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [(0, before)]
