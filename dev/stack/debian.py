"""Debian packages, installed where this user may: as root, on Debian."""

import os
import shutil
import subprocess

from stack import terminal
from stack.errors import ToolError


def need(program, package=None):
    """Finds a program, and installs its package when it is missing."""
    package = package or program
    if not shutil.which(program) and not install(package):
        raise ToolError(f"{program} is needed (on Debian: apt-get install {package})")


def install(*packages):
    """Whether the packages are installed now."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    terminal.line(f"Installing {', '.join(packages)}")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", *packages]):
        ran = subprocess.run(["apt-get", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
        if ran.returncode != 0:
            terminal.print_error(ran.stderr.strip())
            return False
    return True
