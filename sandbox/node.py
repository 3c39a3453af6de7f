"""What a node's kernel allows, read from /proc and /sys: each check is a function of these folders and says what to change."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_CAP_SYS_ADMIN = 1 << 21


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report, and what to do about it. A note is worth knowing; only FAIL makes judging unsafe."""

    topic: str
    state: Literal["ok", "note", "warn", "FAIL"]
    found: str
    remedy: str = ""


def privileged(proc: Path) -> bool:
    """Whether this process has CAP_SYS_ADMIN, so that knobs for ordinary users do not bind it; a container's root may lack it."""
    return bool(int(_status(proc)["CapEff"], 16) & _CAP_SYS_ADMIN)


def user_namespaces(proc: Path) -> Finding:
    """Whether this user may make user namespaces, without which an ordinary user has no jail."""
    topic = "user namespaces"
    limit = _setting(proc, "user/max_user_namespaces")
    if limit is None:
        return Finding(topic, "FAIL", "this kernel has none", "boot a kernel built with CONFIG_USER_NS=y")
    if limit == "0":
        remedy = "sysctl -w user.max_user_namespaces=15000 (to keep it: the same line in a file of /etc/sysctl.d)"
        return Finding(topic, "FAIL", "user.max_user_namespaces is 0", remedy)
    clone = _setting(proc, "kernel/unprivileged_userns_clone")
    if clone == "0" and not privileged(proc):
        remedy = "sysctl -w kernel.unprivileged_userns_clone=1 (to keep it: the same line in a file of /etc/sysctl.d)"
        return Finding(topic, "FAIL", "refused to ordinary users: kernel.unprivileged_userns_clone is 0", remedy)
    return Finding(topic, "ok", f"allowed (user.max_user_namespaces is {limit})")


def apparmor(proc: Path, nsjail: Path | None, jail_starts: bool) -> Finding:
    """Whether AppArmor takes the rights out of an ordinary user's user namespaces, as Ubuntu does from 23.10 on."""
    topic, knob = "AppArmor", "kernel.apparmor_restrict_unprivileged_userns"
    setting = _setting(proc, knob.replace(".", "/"))
    if setting is None:
        return Finding(topic, "ok", "does not restrict user namespaces here")
    if setting == "0":
        return Finding(topic, "ok", f"does not restrict user namespaces ({knob} is 0)")
    if privileged(proc):
        return Finding(topic, "ok", f"restricts the user namespaces of ordinary users, not of this one ({knob} is {setting})")
    if jail_starts:
        return Finding(topic, "ok", f"restricts user namespaces ({knob} is {setting}), but not those of this nsjail")
    profile = f"abi <abi/4.0>, profile nsjail {nsjail or '/path/to/nsjail'} flags=(unconfined) {{ userns, }}"
    remedy = (
        f"sysctl -w {knob}=0; or, for nsjail alone, write `{profile}` to /etc/apparmor.d/nsjail, "
        "then apparmor_parser -r /etc/apparmor.d/nsjail"
    )
    return Finding(topic, "FAIL", f"restricts the user namespaces of ordinary users ({knob} is {setting})", remedy)


def seccomp(proc: Path) -> Finding:
    """Whether the kernel filters system calls, and whether this process is filtered already, as in most containers."""
    actions = (_setting(proc, "kernel/seccomp/actions_avail") or "").split()
    lacking = [action for action in ("errno", "allow") if action not in actions]
    if lacking:
        found = f"kernel.seccomp.actions_avail lacks {', '.join(lacking)} (it says: {' '.join(actions) or 'nothing'})"
        return Finding("seccomp", "FAIL", found, "boot a kernel built with CONFIG_SECCOMP_FILTER=y")
    filtered = _status(proc).get("Seccomp", "0").strip() == "2"
    own = "; this process is filtered itself, as in a container" if filtered else ""
    return Finding("seccomp", "ok", f"filters are available{own}")


def cgroup(proc: Path, cgroups: Path) -> Finding:
    """Whether this user may make memory cgroups. cgroups: where they are mounted, /sys/fs/cgroup."""
    topic, otherwise = "cgroup v2", "memory is limited a process"
    paths = [line[3:] for line in (proc / "self" / "cgroup").read_text().splitlines() if line.startswith("0::")]
    if not (cgroups / "cgroup.controllers").exists() or not paths:
        remedy = "optional: boot with systemd.unified_cgroup_hierarchy=1"
        return Finding(topic, "note", f"not mounted at {cgroups}: {otherwise}", remedy)
    folder = cgroups / paths[0].lstrip("/")
    controllers = folder / "cgroup.controllers"
    if os.access(folder, os.W_OK) and controllers.exists() and "memory" in controllers.read_text().split():
        return Finding(topic, "ok", f"{folder} is delegated, with its memory controller")
    remedy = "optional: Delegate=yes in the unit, or systemd-run --user --scope -p Delegate=yes python -m sandbox …"
    return Finding(topic, "note", f"{folder} is not delegated to this user: {otherwise}", remedy)


def _setting(proc: Path, name: str) -> str | None:
    file = proc / "sys" / name
    return file.read_text().strip() if file.exists() else None


def _status(proc: Path) -> dict[str, str]:
    return dict(line.split(":", 1) for line in (proc / "self" / "status").read_text().splitlines() if ":" in line)
