"""Threads: how many, what limits them, and what fork, signals, sleep and exit do to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import trueno as tn
from trueno import cores

LINUX = sys.platform == "linux"
TASKS = Path("/proc/self/task")

# What the programs below begin with: work enough for many threads, and the threads there are.
PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
import trueno as tn
tn.config(backend="simd", threshold=0)
ones = tn.asarray(np.ones(2_000_000))
def work():
    assert float(np.exp(ones * 0).sum()) == 2_000_000
others = set(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else set()
def pool():
    return set(os.listdir("/proc/self/task")) - others
"""


def python(program: str, **environment: str) -> str:
    """What a program prints, after the prelude, with this environment; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tree(root: Path, cgroup: str, mounts: str, files: dict[str, str]) -> Path:
    """A /proc and a /sys with these contents."""
    for name, text in {"proc/self/cgroup": cgroup, "proc/self/mountinfo": mounts, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "33 31 0:30 {} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"


def test_a_group_is_limited_by_its_ancestors(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/a/cpu.max": "150000 100000",
        "sys/fs/cgroup/a/b/cpu.max": "max 100000",
        "sys/fs/cgroup/a/b/c/cpu.max": "400000 100000",
        "sys/fs/cgroup/elsewhere/cpu.max": "1000 100000",
    }
    assert cores.quota(tree(tmp_path, "0::/a/b/c", V2, files)) == 1.5


@pytest.mark.parametrize("shown", ["/", "/docker/1"])
def test_the_older_groups(tmp_path: Path, shown: str) -> None:
    """Where a container sees its own group as the root of the tree, and where it does not."""
    folder = "sys/fs/cgroup/cpu,cpuacct" + ("/docker/1" if shown == "/" else "")
    files = {f"{folder}/cpu.cfs_quota_us": "300000", f"{folder}/cpu.cfs_period_us": "100000"}
    groups = "5:memory:/x\n2:cpu,cpuacct:/docker/1\n0::/docker/1"
    mounts = V1.format(shown) + "\n34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"
    root = tree(tmp_path, groups, mounts, files)
    assert cores.quota(root) == 3
    (root / folder / "cpu.cfs_quota_us").write_text("-1\n")
    assert cores.quota(root) == float("inf")


def test_no_groups_no_limit(tmp_path: Path) -> None:
    assert cores.quota(tmp_path) == float("inf")
    assert cores.quota(tree(tmp_path, "0::/a", V2, {})) == float("inf")
    assert cores.quota(tree(tmp_path, "nonsense", "nonsense", {})) == float("inf")


@pytest.mark.parametrize(("quota", "count"), [(0.2, 1), (1.6, 2), (float("inf"), 8)])
def test_a_quota_counts_in_whole_processors(
    monkeypatch: pytest.MonkeyPatch, quota: float, count: int
) -> None:
    monkeypatch.setattr(cores, "affinity", lambda: 8)
    monkeypatch.setattr(cores, "quota", lambda: quota)
    assert cores.available() == count


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity")
def test_the_affinity_counts() -> None:
    one = sorted(os.sched_getaffinity(0))[0]
    program = f"os.sched_setaffinity(0, [{one}])\nimport trueno.cores as c\nprint(c.available())"
    assert python(program) == "1"


@pytest.mark.skipif(not TASKS.exists(), reason="no /proc")
def test_settings_say_how_many_threads_start() -> None:
    program = """
counts = []
for n in (1, 3, 2, 0):
    with tn.config(threads=n):
        work()
    counts.append(len(pool()))
print(counts)
"""
    assert python(program, TRUENO_NUM_THREADS="6") == "[0, 2, 2, 5]"
    assert python(program, TRUENO_NUM_THREADS="1") == "[0, 2, 2, 2]"


@pytest.mark.parametrize("threads", [-1, 1.5, "2"])
def test_no_such_number(threads: object) -> None:
    with pytest.raises(ValueError, match="threads must be an integer"):
        tn.config(threads=threads)


@pytest.mark.skipif(not TASKS.exists(), reason="no /proc")
@pytest.mark.parametrize(
    "order",
    ["import threadpoolctl; import trueno as tn", "import threadpoolctl, trueno.threadpoolctl"],
)
def test_threadpoolctl(order: str) -> None:
    """Whichever is imported first. Its limit holds for settings too, but lets them ask for more."""
    pytest.importorskip("threadpoolctl")
    program = """
def listed():
    return [p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "trueno"]
assert listed() == [3], listed()
with threadpoolctl.threadpool_limits(1):
    assert listed() == [1]
    work()
    with tn.config(threads=4):
        work()
    assert not pool()
assert listed() == [3]
work()
assert len(pool()) == 2
with tn.config(threads=5):
    work()
print(len(pool()))
"""
    first = order if "import trueno as tn" in order else "import trueno"
    second = "" if first == order else order
    command = [sys.executable, "-c", first + PRELUDE + second + program]
    environment = {**os.environ, "TRUENO_NUM_THREADS": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "4", done.stderr


def test_threadpoolctl_is_not_imported_for_its_own_sake() -> None:
    program = "import sys, trueno; print('threadpoolctl' in sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr


def test_callers_at_the_same_time() -> None:
    """One gets the pool, the others work alone; all get their result."""
    failures: list[int] = []
    started = threading.Barrier(4)

    def call(number: int) -> None:
        x = np.full(400_000, float(number))
        started.wait()
        with tn.config(backend="simd", threshold=0, threads=3):
            for _ in range(10):
                if float(tn.sqrt(tn.asarray(x) * number).sum()) != number * 400_000:
                    failures.append(number)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork") or not TASKS.exists(), reason="no fork")
def test_a_child_gets_threads_of_its_own() -> None:
    """Also of a process whose pool is at work while it forks, and a child's child."""
    program = """
tn.config(threads=3)
work()
stop = False
x = np.ones(3_000_000)
def busy():  # on the backend itself: a fork in the midst of trueno.evaluate would keep its lock
    import trueno.engine as engine
    from trueno.memory import Storage, View
    from trueno.plan import Instruction, Kernel, Launch, Output
    f8, out = x.dtype, np.empty_like(x)
    kernel = Kernel((f8,), (), (Instruction("exp", (0,), f8),), (Output(1, None, f8),))
    views = [View(Storage(a), a) for a in (x, out)]
    launch = Launch(kernel, x.shape, (), (views[0],), (), (views[1],), lambda masks: None)
    while not stop:
        engine.backend("simd").launch(launch)
other = threading.Thread(target=busy)
other.start()
def child(depth):
    own = pool()
    work()
    good = len(pool() - own) == 2
    if depth:
        pid = os.fork()
        if pid == 0:
            child(depth - 1)
        good = good and os.waitpid(pid, 0)[1] == 0
    os._exit(0 if good else 1)
for _ in range(20):
    time.sleep(0.002)
    pid = os.fork()
    if pid == 0:
        child(1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
other.join()
work()
"""
    python(program, PYTHONWARNINGS="ignore::DeprecationWarning")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals")
def test_interrupts_arrive_between_kernels() -> None:
    """KeyboardInterrupt in the main thread, soon, and Trueno works on afterwards."""
    program = """
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored in the background
def interrupt():
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
start = time.monotonic()
try:
    while time.monotonic() < start + 30:
        work()
    print("never")
except KeyboardInterrupt:
    print(time.monotonic() - start < 5)
work()
"""
    assert python(program, TRUENO_NUM_THREADS="3") == "True"


def test_exit_while_a_daemon_thread_computes() -> None:
    program = """
def forever():
    while True:
        work()
for _ in range(2):
    threading.Thread(target=forever, daemon=True).start()
time.sleep(0.2)
"""
    for _ in range(3):
        python(program, TRUENO_NUM_THREADS="3")


@pytest.mark.skipif(not TASKS.exists(), reason="no /proc")
def test_idle_threads_sleep() -> None:
    program = """
work()
def used():  # nanoseconds on a processor
    return [open(f"/proc/self/task/{task}/schedstat").read().split()[0] for task in sorted(pool())]
time.sleep(0.05)
before = used()
time.sleep(0.5)
print(len(before), used() == before)
"""
    assert python(program, TRUENO_NUM_THREADS="4") == "3 True"


@pytest.mark.skipif(not LINUX, reason="processors are chosen on Linux only")
@pytest.mark.skipif(cores.affinity() < 2, reason="one processor")
def test_threads_may_run_anywhere_afterwards() -> None:
    """Barred from the caller's processor when woken, a thread is free again once awake."""
    program = """
allowed = os.sched_getaffinity(0)
work()
for processor in sorted(allowed)[:2] * 10:
    os.sched_setaffinity(0, [processor])
    work()
    time.sleep(0.001)
os.sched_setaffinity(0, allowed)
end = time.monotonic() + 10
while any(os.sched_getaffinity(int(task)) != allowed for task in pool()):
    assert time.monotonic() < end
    work()
print(len(pool()))
"""
    assert python(program, TRUENO_NUM_THREADS="3") == "2"


def test_the_default_is_what_the_process_may_use() -> None:
    program = "import trueno.cores as c; print(tn.engine.backend('simd').threads == c.available())"
    assert python(program, TRUENO_NUM_THREADS="") == "True"
