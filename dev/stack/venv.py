"""The Python packages that the tools need, in dev/.venv, as pinned in requirements.lock."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack.errors import ToolError
from stack.paths import DEV, VENV, locked

LOCK = DEV / "requirements.lock"
STAMP = VENV / "made-from"
PYTHON = VENV / "bin" / "python"


def enter():
    """Restarts this tool with the Python of dev/.venv, which is created when it is missing or outdated."""
    if Path(sys.prefix) == VENV:
        return
    with locked("venv"):
        if not STAMP.exists() or STAMP.read_text() != wanted():
            make()
    os.execv(PYTHON, [str(PYTHON), *sys.argv])


def wanted():
    """The stamp of a complete environment. It names the path because the scripts in it do."""
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version_info[:2]} {VENV}\n"


def make():
    if importlib.util.find_spec("ensurepip") is None:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError(f"Python's venv module is incomplete (on Debian: apt-get install python3-venv, or {version}-venv)")
    print("Installing the AWS stand-in, Postgres and linters into dev/.venv (about 90 MB, once)", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], stdin=subprocess.DEVNULL).returncode != 0:
        raise ToolError("cannot create a virtual environment in dev/.venv")
    install()
    STAMP.write_text(wanted())


def install():
    argv = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--no-deps", "--require-hashes", "-r", str(LOCK)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as pip:
        for line in pip.stdout:
            # One line per package is enough.
            if line.startswith("Collecting "):
                print(f"  {line.split()[1]}", flush=True)
    if pip.returncode != 0:
        raise ToolError("cannot install the packages of dev/requirements.lock: is the package index reachable?")
