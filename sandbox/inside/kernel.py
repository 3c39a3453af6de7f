"""What Python 3.11's standard library cannot ask of the kernel: namespaces, mounts, capabilities, a seccomp filter."""

from __future__ import annotations

import ctypes
import os
import signal

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x04000000, 0x10000000, 0x20000000
_CLONE_THREAD, _CLONE_CHILD_CLEARTID, _CLONE_CHILD_SETTID = 0x00010000, 0x00200000, 0x01000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_NOATIME, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x400, 0x4000, 0x40000
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_GET_TID_ADDRESS = 22, 2, 40

# Refused to a program and its warden, beside the jail's outer list: what starts processes or executes, what changes mounts,
# memory that RLIMIT_AS does not count, and descriptors in flight, which the kernel counts for all jails of a user together.
# (x86_64, aarch64; None: the call does not exist there.)
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "mount": (165, 40),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "setns": (308, 268),
    "memfd_create": (319, 279),
    "pidfd_open": (434, 434),
    "seccomp": (317, 277),
    "vmsplice": (278, 75),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "rt_sigqueueinfo": (129, 138),
    "sendmsg": (46, 211),
}
_CLONE, _PRLIMIT = (56, 220), (302, 261)  # allowed with the right arguments
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; an argument's low word first
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000

_libc = ctypes.PyDLL(None, use_errno=True)  # its calls keep the interpreter's lock: none of them waits
# Found by name once, here, and not in every fork.
_prctl, _mount, _capset, _syscall = _libc.prctl, _libc.mount, _libc.capset, _libc.syscall
_syscall.restype, _syscall.argtypes = ctypes.c_long, [ctypes.c_long] * 6
_zero = ctypes.c_ulong(0)
_before_fork = ctypes.pythonapi.PyOS_BeforeFork
_after_in_parent, _after_in_child = ctypes.pythonapi.PyOS_AfterFork_Parent, ctypes.pythonapi.PyOS_AfterFork_Child


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _column() -> int:
    """Of this machine in the tables of calls; ValueError: an architecture whose numbers are not known here."""
    machine = os.uname().machine
    if machine not in _ARCHITECTURES:
        raise ValueError(f"no system call numbers for machine {machine!r}; there are some for {', '.join(_ARCHITECTURES)}")
    return _ARCHITECTURES[machine][0]


def _thread_id_address() -> int:
    """Where the C library keeps its first thread's id, which a fork writes anew; 0 on a kernel that does not tell."""
    address = ctypes.c_void_p(0)
    told = _prctl(_PR_GET_TID_ADDRESS, ctypes.byref(address), _zero, _zero, _zero)
    return (address.value or 0) if told == 0 else 0


def _fork_arguments() -> tuple[int, ...]:
    """Of the raw `clone`, without the namespaces: its number, flags, stack, and where it writes thread ids."""
    address = _thread_id_address()
    flags = signal.SIGCHLD | (_CLONE_CHILD_SETTID | _CLONE_CHILD_CLEARTID if address else 0)  # as the C library's own fork
    column = _column()
    return _CLONE[column], flags, 0, 0, *((address, 0) if column == 0 else (0, address))  # the last two are thread id and TLS


_clone_number, _clone_flags, *_clone_rest = _fork_arguments()


def fork(namespaces: int) -> int:
    """`os.fork` whose child is in new namespaces (CLONE_NEW… bits); with CLONE_NEWPID it is process 1 there.

    Needs CAP_SYS_ADMIN: where a filter lets only such forks pass, a process without it can fork no more (see `confine`).
    """
    _before_fork()
    pid = int(_syscall(_clone_number, _clone_flags | namespaces, *_clone_rest))
    if pid == 0:
        _after_in_child()
        return 0
    number = ctypes.get_errno()
    _after_in_parent()
    if pid < 0:
        raise OSError(number, f"fork: {os.strerror(number)}")
    return pid


def own_mounts() -> None:
    """Mounts made from here on stay in this mount namespace."""
    _check(_mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount / private")


def mount_tmpfs(target: str, size_bytes: int, inodes: int) -> None:
    """Mounts an empty tmpfs that all may write to, over what stands there."""
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC | _MS_NOATIME  # no test sees whether one before it has read
    options = f"size={size_bytes},nr_inodes={inodes},mode=0777".encode()
    _check(_mount(b"none", target.encode(), b"tmpfs", flags, options), f"mount {target}")


_header, _no_capabilities = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()


def drop_capabilities() -> None:
    """Gives all capabilities up, for good."""
    _check(_capset(_header, _no_capabilities), "capset")


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def program_filter(machine: str, forks: bool) -> list[tuple[int, int, int, int]]:
    """The filter of a program's process, as classic BPF: (code, jump if true, jump if false, value) of each instruction.

    forks: let pass a fork into a new UTS namespace, which the kernel grants only to who holds CAP_SYS_ADMIN.
    """
    column, audit = _ARCHITECTURES[machine]
    code = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER)]
    code += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _EPERM)]  # the x32 calls
    for numbers in _REFUSED.values():
        if numbers[column] is not None:
            code += [(_EQUAL, 0, 1, numbers[column] or 0), (_RETURN, 0, 0, _EPERM)]
    # clone: threads only; a user namespace of its own would give a process capabilities in it
    code += [(_EQUAL, 0, 6, _CLONE[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 3, 0, _CLONE_THREAD)]
    code += [(_ANY_BIT, 1, 0, CLONE_NEWUSER), (_ANY_BIT, 1, 0, CLONE_NEWUTS if forks else 0)]
    code += [(_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
    # prlimit64: on itself only (0)
    code += [(_EQUAL, 0, 4, _PRLIMIT[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, 0)]
    code += [(_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _loadable(forks: bool) -> _Filter:
    code = program_filter(os.uname().machine, forks)
    return _Filter(len(code), (_Instruction * len(code))(*(_Instruction(*each) for each in code)))


_filters = {forks: _loadable(forks) for forks in (True, False)}  # made once, for all forks
_filter_mode = ctypes.c_ulong(_SECCOMP_MODE_FILTER)


def confine(forks: bool) -> None:
    """Puts the filter of a program on this process and what it starts, for good. (nsjail has set no_new_privs.)

    forks: for a warden, whose children can fork no more as soon as they drop their capabilities. A filter takes the kernel a
    tenth of a millisecond, so that one a program beats one a test.
    """
    _check(_prctl(_PR_SET_SECCOMP, _filter_mode, ctypes.byref(_filters[forks]), _zero, _zero), "seccomp")
