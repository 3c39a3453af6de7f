"""The process that runs a problem's own test code (trusted) against a program that lives in another jail.

The program's names stand here as remote functions: a call goes over a pipe as plain values, and plain values come back.
An object of the program's own class comes back as a remote handle. It can be passed on, asked for attributes, items or
its length, but it never decides a comparison: an overridden `__eq__` runs in the program's process, or not at all.
"""

from __future__ import annotations

import builtins
import os
import random
import socket
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType
from typing import Any, NoReturn

from sandbox.inside import runner, wire
from sandbox.inside.wire import GONE, PASSED, RAISED, TOO_LARGE, WRONG

# An exception that ends loops where it comes up would end the test code's own, and `all(map(function, …))` be true.
_NOT_RAISED = (Exception, StopIteration, StopAsyncIteration)


class ProgramError(Exception):
    """An exception of the program's own class left a call."""


class RemoteObject(wire.Handle):
    """A program's object. Comparing it is refused, so it can never make an assert true."""

    def __init__(self, program: Program, number: int, type_name: str) -> None:
        vars(self).update(number=number, type_name=type_name, _program=program)

    def _ask(self, do: str, **more: Any) -> Any:
        return self._program.ask(do, self.number, **more)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("get", name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("set", name=name, value=wire.to_tree(value))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._program.call(self.number, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("item", key=wire.to_tree(key))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask("list"))

    def __len__(self) -> int:
        return int(self._ask("len"))

    def __str__(self) -> str:
        return str(self._ask("str"))

    def _refuse(self, _other: object = None) -> bool:
        raise TypeError(f"an object of the program's class {self.type_name!r} cannot be compared")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _refuse
    __hash__ = object.__hash__


class Program:
    """The other end of the pipe."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.raised: Exception | None = None  # the last exception that came across
        self.gone = False
        self._first = True

    def begin(self) -> None:
        """Another test: with its first request, what the last one left in the program's process by way of handles is gone."""
        self.raised, self._first = None, True
        random.seed(0)  # or a test's luck would hang on the programs judged before

    def settle(self) -> None:
        """Ends a test that asked for nothing: its lines are those that ran at import."""
        if self._first:
            self.ask("begin", "")

    def ask(self, do: str, target: str | int, **more: Any) -> Any:
        """One request, one answer. An exception of the program is raised here under its built-in name."""
        try:
            wire.send(self.channel, {"do": do, "target": target, "first": self._first, **more})
            self._first = False
            reply, _ = wire.receive(self.channel)
        except (EOFError, OSError) as error:
            self.gone = True
            raise ProgramError("the program ended before it answered") from error
        if not isinstance(reply, dict):
            raise wire.WireError("malformed reply")
        if "raised" in reply:
            known = [getattr(builtins, str(name), None) for name in reply.get("mro", [])]
            kinds = [k for k in known if isinstance(k, type) and issubclass(k, Exception) and k not in _NOT_RAISED]
            self.raised = (kinds[0] if kinds and not issubclass(kinds[0], UnicodeError) else ProgramError)(
                f"{reply['raised']}: {reply.get('text', '')}"
            )
            raise self.raised
        return wire.from_tree(reply.get("value"), lambda number, name: RemoteObject(self, number, name))

    def call(self, target: str | int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """target: a name of the program, or a handle's number."""
        return self.ask("call", target, args=wire.to_tree(list(args)), kwargs=wire.to_tree(kwargs))

    def function(self, name: str) -> Callable[..., Any]:
        """A stand-in for the program's `name`."""

        def remote(*args: Any, **kwargs: Any) -> Any:
            return self.call(name, args, kwargs)

        remote.__name__ = remote.__qualname__ = name
        return remote


def run(job: dict[str, Any]) -> NoReturn:
    """Runs the tests that come over the desk's socket, one by one, against the program taken last; never returns."""
    desk = socket.socket(fileno=runner.CHANNEL)
    nowhere = os.open("/dev/null", os.O_WRONLY)  # nobody reads what test code prints, and a file would come to its limit
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    setup = compile(job["setup"], "setup.py", "exec", dont_inherit=True)
    compiled = cache(lambda code: compile(code, "test.py", "exec", dont_inherit=True))
    program: Program | None = None
    while True:
        try:
            request, fds = wire.receive(desk, max_fds=1)
        except EOFError:
            os._exit(0)
        if request["do"] == "take":
            if program is not None:
                program.channel.close()
            program = Program(socket.socket(fileno=fds[0]))
        elif program is not None:
            outcome, message = _outcome(job, (setup, compiled(request["code"])), str(request["label"]), program)
            wire.send(desk, {"outcome": outcome, "message": message})


def _outcome(job: dict[str, Any], code: tuple[CodeType, CodeType], label: str, program: Program) -> tuple[int, str]:
    """One test (set-up code and its own): how it ended (a constant of wire.py), and why."""
    setup, test = code
    names: dict[str, Any] = {"__name__": "tests"}
    program.begin()
    try:
        exec(setup, names)
        for name in job["remote_names"]:
            if name == job["entry_point"] or name not in names:
                names[name] = program.function(name)
        exec(test, names)
        program.settle()
        return PASSED, ""
    except BaseException as error:
        error.__traceback__ = None  # and what its frames hold: memory may be what was lacking
        names.clear()
        last = _last_line(error)
        if program.gone:
            return GONE, last
        if error is program.raised:
            return RAISED, last
        if isinstance(error, wire.WireError) and "over the limit" in str(error):
            program.gone = True  # the rest of that message stands on the channel
            return TOO_LARGE, last
        return WRONG, label[:2000] if last == "AssertionError" else last


def _last_line(error: BaseException) -> str:
    try:
        return traceback.format_exception_only(type(error), error)[-1].strip()[:2000]
    except BaseException:  # such as a MemoryError: no words are worth this process, whose end would be the judge's failure
        return type(error).__name__
