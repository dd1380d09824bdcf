"""The processors that this process may use: its affinity, and the quotas of its control groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available() -> int:
    """How many threads can run at a time: at least 1. A quota is rounded to whole processors."""
    return max(1, round(min(affinity(), quota())))


def affinity() -> int:
    """Processors that the process may be run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(root: Path = Path("/")) -> float:
    """Processors' worth of time that the process's control groups allow; infinity without a limit.

    A group is limited by its ancestors too. ``root`` is where /proc and /sys are, for tests.
    """
    try:
        return min(map(_limit, _groups(root)), default=float("inf"))
    except (OSError, ValueError, IndexError):
        return float("inf")


def _groups(root: Path) -> Iterator[Path]:
    """The folders of the process's group and its ancestors, in cgroup v2 and in v1's cpu tree.

    A mount shows a part of the tree, which its fourth field names (proc_pid_mountinfo(5)).
    """
    own: dict[str, PurePosixPath] = {}  # by controller; "" is v2's tree
    for line in (root / "proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), PurePosixPath(path))
    for line in (root / "proc/self/mountinfo").read_text().splitlines():
        mount, _, rest = line.partition(" - ")
        kind, *_, options = rest.split()
        if kind == "cgroup2":
            group = own.get("")
        else:
            group = own.get("cpu") if kind == "cgroup" and "cpu" in options.split(",") else None
        if group is None:
            continue
        shown, folder = mount.split()[3:5]
        top = root / folder.lstrip("/")
        here = top / group.relative_to(shown) if group.is_relative_to(shown) else top
        while here != top:
            yield here
            here = here.parent
        yield top


def _limit(group: Path) -> float:
    """The group's own limit: ``cpu.max`` in v2; in v1, where -1 is none, two files."""
    try:
        words = (group / "cpu.max").read_text().split()
    except OSError:
        try:
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            words = [(group / name).read_text().strip() for name in names]
        except OSError:
            return float("inf")
    return float("inf") if words[0] in ("max", "-1") else float(words[0]) / float(words[1])
