"""Starting, watching and stopping processes.

Each process gets its own process group. So it is stopped together with its children, and Ctrl-C reaches only the tool, which
then stops its processes in order. The kernel stops a process that must not outlive the tool when the tool is killed."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from stack.errors import ToolError

GRACE_SECONDS = 30
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Process:
    name: str
    pid: int
    # Distinguishes this process from a later one with the same PID.
    birth: str
    log: str
    stop_signal: int

    def alive(self):
        return birth(self.pid) == self.birth

    def stop(self):
        if not self.alive():
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, self.stop_signal)
        wait_for(lambda: not self.alive(), GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        wait_for(lambda: not self.alive(), GRACE_SECONDS)

    def last_lines(self, count=15):
        with contextlib.suppress(OSError):
            return "\n".join(Path(self.log).read_text(errors="replace").splitlines()[-count:])
        return ""

    def wait_until(self, ready, *, seconds=60):
        """Waits until it is ready. Fails when it stops first or takes too long."""
        if wait_for(lambda: not self.alive() or ready(), seconds) and self.alive():
            return
        problem = "was not ready in time" if self.alive() else "stopped"
        raise ToolError(f"{self.name} {problem}; the end of {self.log}:\n{self.last_lines()}")


def birth(pid):
    """Identifies a process by its start time; None when it is not running."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The name, in parentheses, can contain anything. Fields 3 and up follow it.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}/{fields[18]}"


def wait_for(condition, seconds):
    until = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return met


def start(name, argv, *, log, env, lasting=False, stop_signal=signal.SIGTERM):
    """Starts a server that logs to `log`. A lasting server outlives the tool."""
    with open(log, "w") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            preexec_fn=None if lasting else die_with_parent(stop_signal),
        )
    return Process(name, process.pid, birth(process.pid) or "ended", str(log), int(stop_signal))


def die_with_parent(stop_signal):
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl and (lambda: prctl(PR_SET_PDEATHSIG, int(stop_signal)))


def run(argv, *, env=None, cwd=None, on_line=None):
    """Runs a command, shows its output, and returns its exit code. With `on_line`, each line is passed on too; without it, the
    command writes to the terminal directly and may draw progress."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if on_line else None,
        stderr=subprocess.STDOUT if on_line else None,
        text=True,
        errors="replace",
        env=env,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    try:
        for text in process.stdout or ():
            sys.stdout.write(text)
            sys.stdout.flush()
            on_line(text.rstrip("\n"))
        return process.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        raise
