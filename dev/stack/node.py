"""Packages from npm, as pinned in a package-lock.json."""

import re
import shutil
import subprocess

from stack import paths
from stack.errors import ToolError

OLDEST = 20


def install(folder):
    """Installs a folder's packages when they are missing or outdated."""
    node = shutil.which("node")
    version = node and subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    if not version or int(re.match(r"v?(\d+)", version)[1]) < OLDEST:
        raise ToolError(f"Node {OLDEST} or newer is needed (on Debian: apt-get install nodejs npm)")
    if not shutil.which("npm"):
        raise ToolError("npm is needed (on Debian: apt-get install npm)")
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".made-from"
    with paths.locked("npm"):
        if stamp.exists() and stamp.read_text() == lock.read_text():
            return
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        ran = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode != 0:
            raise ToolError(f"cannot install the npm packages of {folder.relative_to(paths.ROOT)}: {ran.stderr.strip()}")
        stamp.write_text(lock.read_text())
