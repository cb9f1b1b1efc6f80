"""The Python packages that the tools need, in dev/.venv, as requirements.lock pins them."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack.places import DEV, VENV, locked
from stack.trouble import Trouble

LOCK = DEV / "requirements.lock"
STAMP = VENV / "made-of"
PYTHON = VENV / "bin" / "python"


def enter():
    """Goes on in dev/.venv: the present process starts over with its Python, unless it is that already."""
    if Path(sys.prefix) == VENV:
        return
    with locked("venv"):
        if not STAMP.exists() or STAMP.read_text() != wanted():
            make()
    os.execv(PYTHON, [str(PYTHON), "-m", "stack", *sys.argv[1:]])


def wanted():
    """What the stamp says of an environment that is complete: scripts in it name its own path, hence the path."""
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version_info[:2]} {VENV}\n"


def make():
    if importlib.util.find_spec("ensurepip") is None:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        raise Trouble(f"Python's venv module is incomplete (on Debian: apt-get install python3-venv, or {version}-venv)")
    print("Making dev/.venv with the AWS stand-in, Postgres and the linters: once, about 90 MB", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], stdin=subprocess.DEVNULL).returncode != 0:
        raise Trouble("a virtual environment could not be made in dev/.venv")
    install()
    STAMP.write_text(wanted())


def install():
    argv = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", str(LOCK)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as pip:
        for line in pip.stdout:
            # A line for each package; the rest is for those who wrote pip.
            if line.startswith("Collecting "):
                print(f"  {line.split()[1]}", flush=True)
    if pip.returncode != 0:
        raise Trouble("the packages of dev/requirements.lock could not be installed: is the package index reachable?")
