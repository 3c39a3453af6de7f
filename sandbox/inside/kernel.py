"""What Python 3.11's standard library cannot ask of the kernel: namespaces, mounts, capabilities, a seccomp filter."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000
_CLONE_THREAD = 0x00010000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
_MNT_DETACH = 2
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

# Refused in a program's process, beside the jail's outer list: what starts processes or executes, what changes mounts, and
# memory that RLIMIT_AS does not count. (x86_64, aarch64; None: the call does not exist there.)
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
    "capset": (126, 91),
    "vmsplice": (278, 75),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "rt_sigqueueinfo": (129, 138),
}
_CLONE, _PRLIMIT = (56, 220), (302, 261)  # allowed with the right arguments
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; an argument's low word first
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """This process' own namespaces; with CLONE_NEWPID its next child is process 1 of a new one."""
    _check(_libc.unshare(flags), "unshare")


def enter(pidfd: int, flags: int) -> None:
    """The namespaces of the process behind a pidfd; with CLONE_NEWPID for the next children."""
    _check(_libc.setns(pidfd, flags), "setns")


def own_mounts() -> None:
    """Mounts made from here on stay in this mount namespace."""
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount / private")


def mount_tmpfs(target: str, size_bytes: int, inodes: int) -> None:
    """Mounts an empty tmpfs that all may write to, over what stands there."""
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    options = f"size={size_bytes},nr_inodes={inodes},mode=0777".encode()
    _check(_libc.mount(b"none", target.encode(), b"tmpfs", flags, options), f"mount {target}")


def unmount(target: str) -> None:
    """Takes the topmost mount away, in use or not."""
    _check(_libc.umount2(target.encode(), _MNT_DETACH), f"unmount {target}")


def drop_capabilities() -> None:
    """Gives all capabilities up, for good."""
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, none), "capset")


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def program_filter(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter of a program's process, as classic BPF: (code, jump if true, jump if false, value) of each instruction.

    ValueError: an architecture whose call numbers are not known here.
    """
    if machine not in _ARCHITECTURES:
        raise ValueError(f"no seccomp filter for machine {machine!r}; there is one for {', '.join(_ARCHITECTURES)}")
    column, audit = _ARCHITECTURES[machine]
    code = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER)]
    code += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _EPERM)]  # the x32 calls
    for numbers in _REFUSED.values():
        if numbers[column] is not None:
            code += [(_EQUAL, 0, 1, numbers[column] or 0), (_RETURN, 0, 0, _EPERM)]
    # clone: threads only
    code += [(_EQUAL, 0, 4, _CLONE[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 1, 0, _CLONE_THREAD)]
    code += [(_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
    # prlimit64: on itself only (0)
    code += [(_EQUAL, 0, 4, _PRLIMIT[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, 0)]
    code += [(_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


_instructions = program_filter(os.uname().machine)
_filter = _Filter(len(_instructions), (_Instruction * len(_instructions))(*(_Instruction(*each) for each in _instructions)))


_zero = ctypes.c_ulong(0)
_SECCOMP_ARGUMENTS = (_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(_filter), _zero, _zero)


def confine() -> None:
    """Puts the program's filter on this process, for good. (nsjail has set no_new_privs.) Made for a fork: touches few pages."""
    _check(_libc.prctl(*_SECCOMP_ARGUMENTS), "seccomp")
