"""Folders, locks and temporary folders. The tools write only to dev/.venv, dev/.tools, dev/.run and Cargo's target folder."""

import contextlib
import fcntl
import os
import shutil
import sys
from pathlib import Path

from stack.errors import ToolError

DEV = Path(__file__).resolve().parent.parent
ROOT = DEV.parent
VENV = DEV / ".venv"
TOOLS = DEV / ".tools"
RUN = DEV / ".run"


def folder(name):
    path = RUN / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_private(path, text):
    """Replaces a file with one that only its owner can read."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


@contextlib.contextmanager
def locked(name, *, busy=None):
    """Holds a lock among all tools of this clone. Waits for it, or fails with the message `busy` when it is taken."""
    with open(folder("locks") / name, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise ToolError(busy) from None
        yield


@contextlib.contextmanager
def process_folder(name):
    """A temporary folder for this process. After a failure, its logs are kept."""
    for stale in RUN.glob(f"{name}-*"):
        pid = stale.name.removeprefix(f"{name}-")
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(stale, ignore_errors=True)
    with temporary_folder(f"{name}-{os.getpid()}") as path:
        yield path


@contextlib.contextmanager
def exclusive_folder(name, *, busy):
    """The same with a fixed name, for a tool that runs only once at a time."""
    with locked(name, busy=busy), temporary_folder(name) as path:
        yield path


@contextlib.contextmanager
def temporary_folder(name):
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
            keep_logs(path)
        raise
    shutil.rmtree(path, ignore_errors=True)


def keep_logs(path):
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.suffix != ".log":
            entry.unlink(missing_ok=True)
    print(f"The servers' logs are in {path.relative_to(ROOT)}", file=sys.stderr)
