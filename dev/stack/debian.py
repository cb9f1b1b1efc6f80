"""Packages of the machine itself, installed where this user may: on Debian, as root."""

import os
import shutil
import subprocess

from stack import terminal


def install(*packages):
    """Whether they are there now."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    terminal.line(f"Installing {', '.join(packages)}")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", *packages]):
        ran = subprocess.run(["apt-get", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
        if ran.returncode != 0:
            terminal.complain(ran.stderr.strip())
            return False
    return True
