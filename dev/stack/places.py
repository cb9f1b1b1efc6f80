"""Where things are. Everything that the tools write is in dev/.venv, dev/.run and Cargo's target folder."""

import contextlib
import fcntl
import os
import shutil
import sys
from pathlib import Path

from stack.trouble import Trouble

DEV = Path(__file__).resolve().parent.parent
ROOT = DEV.parent
VENV = DEV / ".venv"
RUN = DEV / ".run"


def folder(name):
    path = RUN / name
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name, *, busy=None):
    """Holds a lock among all tools of this clone. Waits for it, or raises the trouble `busy` when another has it."""
    with open(folder("locks") / name, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise Trouble(busy) from None
        yield


@contextlib.contextmanager
def own_folder(name):
    """A new folder for this process alone. Gone at the end; when something went wrong, its logs are left."""
    for stale in RUN.glob(f"{name}-*"):
        pid = stale.name.removeprefix(f"{name}-")
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(stale, ignore_errors=True)
    with passing_folder(f"{name}-{os.getpid()}") as path:
        yield path


@contextlib.contextmanager
def sole_folder(name, *, busy):
    """The same under a name that is always the same: for what is not run twice at once."""
    with locked(name, busy=busy), passing_folder(name) as path:
        yield path


@contextlib.contextmanager
def passing_folder(name):
    shutil.rmtree(RUN / name, ignore_errors=True)
    path = folder(name)
    try:
        yield path
    except KeyboardInterrupt:
        shutil.rmtree(path, ignore_errors=True)
        raise
    except BaseException as end:
        if isinstance(end, SystemExit) and not end.code:
            shutil.rmtree(path, ignore_errors=True)
        else:
            leave_logs(path)
        raise
    shutil.rmtree(path, ignore_errors=True)


def leave_logs(path):
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.suffix != ".log":
            entry.unlink(missing_ok=True)
    print(f"The servers' logs are left in {path.relative_to(ROOT)}", file=sys.stderr)
