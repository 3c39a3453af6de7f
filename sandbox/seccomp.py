"""System calls that a jailed program is refused, as a kafel policy for nsjail.

Beside the namespaces: what reaches other processes, the kernel's rarer doors, or memory that no limit counts.
"""

_REFUSED = (
    # other processes
    "ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd",
    # mounts and namespaces
    "mount umount pivot_root chroot unshare setns",
    # rarer doors of the kernel
    "bpf perf_event_open userfaultfd keyctl add_key request_key init_module finit_module delete_module kexec_load "
    "acct swapon swapoff reboot quotactl nfsservctl syslog open_by_handle_at name_to_handle_at",
    # memory outside RLIMIT_AS
    "memfd_create shmget shmat shmctl msgget semget",
    # network: the jail has no interface either
    "connect bind listen accept accept4",
)


def policy() -> str:
    """The kafel text: the refused calls answer EPERM, `io_uring` and `clone3` ENOSYS, so that libraries fall back."""
    refused = ", ".join(" ".join(_REFUSED).split())
    return f"ERRNO(1) {{ {refused} }}, ERRNO(38) {{ clone3, SYSCALL[425], SYSCALL[426], SYSCALL[427] }} DEFAULT ALLOW"
