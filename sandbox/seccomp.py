"""System calls that a jail may make, as a kafel policy for nsjail: a list of what is allowed, all else answers EPERM.

This is the jail's outer wall, zygote included. The processes that run programs lose more calls in a filter of their own
(`sandbox.inside.kernel`): what forks, executes, mounts, or makes memory that no limit counts.
"""

import os

_ALLOWED = (
    # files
    "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 openat openat2 close close_range newfstat "
    "newfstatat statx statfs fstatfs lseek getdents64 ioctl dup dup3 pipe2 ftruncate truncate fallocate fadvise64 "
    "readahead flock fsync fdatasync sync_file_range sendfile64 copy_file_range splice tee vmsplice faccessat faccessat2 "
    "fchmod fchmodat fchmodat2 fchown fchownat utimensat mkdirat unlinkat renameat renameat2 linkat symlinkat readlinkat "
    "mknodat chdir fchdir getcwd umask getxattr lgetxattr fgetxattr "
    "listxattr llistxattr flistxattr",
    # memory
    "brk mmap munmap mprotect mremap madvise mincore msync mlock munlock membarrier memfd_create",
    # its own process and threads
    "clone execve exit exit_group wait4 waitid futex futex_waitv set_tid_address set_robust_list get_robust_list rseq prctl "
    "capget capset seccomp getpid getppid gettid getpgid getsid setsid setpgid getuid geteuid getgid getegid getresuid "
    "getresgid getgroups getrlimit setrlimit prlimit64 getrusage times sched_yield sched_getaffinity sched_getparam "
    "sched_getscheduler sched_get_priority_max sched_get_priority_min sched_getattr getpriority getcpu restart_syscall "
    "pidfd_open newuname sysinfo",
    # signals and time
    "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigqueueinfo sigaltstack kill "
    "tkill tgkill nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday getitimer setitimer timer_create "
    "timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime signalfd4 "
    "getrandom",
    # waiting, and pipes within one process (asyncio's)
    "ppoll pselect6 epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 eventfd2 socketpair sendto recvfrom sendmsg recvmsg "
    "shutdown getsockopt setsockopt getsockname getpeername",
    # the zygote's, to give each program namespaces and a /tmp of its own
    "mount",
)  # fmt: skip
_ALLOWED_X86_64 = (
    "open creat newstat newlstat access pipe dup2 getdents poll select epoll_create epoll_wait eventfd signalfd mkdir rmdir "
    "unlink rename link symlink readlink chmod chown lchown mknod utime utimes futimesat time alarm pause getpgrp fork "
    "vfork arch_prctl"
)
_SET_PIPE_SIZE = 1031  # fcntl's F_SETPIPE_SZ


def policy() -> str:
    """The kafel text. `clone3` and `io_uring` answer ENOSYS, so that libraries fall back to what they can have.

    The memory of pipes is counted for a user, not for a process: a few programs with pipes of 1 MiB would leave all others
    on a node pipes of two pages. So no pipe grows; nor is there inotify, whose instances are counted likewise, up to 128.
    """
    names = " ".join(_ALLOWED).split() + (_ALLOWED_X86_64.split() if os.uname().machine == "x86_64" else [])
    missing = "clone3, io_uring_setup, io_uring_enter, io_uring_register"
    names.append(f"fcntl {{ cmd != {_SET_PIPE_SIZE} }}")
    return f"ALLOW {{ {', '.join(names)} }}, ERRNO(38) {{ {missing} }} DEFAULT ERRNO(1)"
