"""Training runs as forks of a process that has imported everything already: a run costs a second, not ten."""

import multiprocessing
import os
import signal
import socket
import sys
import time

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.core.runs"])


def _rank(rank, world, port, log, function, arguments):
    os.setsid()
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1)  # a line is one write, and stays whole beside those of the other ranks
    function(*arguments)


def begin(ranks, log, function, *arguments):
    """`function(*arguments)` in each of so many ranks; what they say goes to the file `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log.parent.mkdir(parents=True, exist_ok=True)
    started = [_CONTEXT.Process(target=_rank, args=(i, ranks, port, str(log), function, arguments)) for i in range(ranks)]
    for process in started:
        process.start()
    return started


def ended(processes, seconds=200):
    """The exit statuses, a negative signal's number where one ended it; none outlives this."""
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(0, deadline - time.monotonic()))
    late = [process for process in processes if process.exitcode is None]
    for process in late:
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    assert not late, "did not end"
    return [process.exitcode for process in processes]


def said(log, line, seconds=120):
    """Waits until a run says it."""
    deadline = time.monotonic() + seconds
    while not (log.exists() and f"{line}\n" in log.read_text()):
        assert time.monotonic() < deadline, f"never said {line!r}: {log.read_text() if log.exists() else ''}"
        time.sleep(0.002)


def kill(processes):
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
    return ended(processes)


def finish(ranks, log, function, *arguments):
    """Runs to a good end; what was said."""
    statuses = ended(begin(ranks, log, function, *arguments))
    assert statuses == [0] * ranks, log.read_text()
    return log.read_text()
