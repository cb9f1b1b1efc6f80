"""The tools themselves: CI's shell script, the Python code, and its tests."""

import sys

from stack import processes
from stack.checks.outcome import Outcome
from stack.paths import DEV, ROOT, VENV


def check():
    return Outcome.of_exit_codes(
        processes.run([str(VENV / "bin" / "shellcheck"), str(ROOT / ".ci" / "run")]),
        processes.run([str(VENV / "bin" / "ruff"), "check", "--quiet", *python_files()]),
        processes.run([sys.executable, "-W", "ignore::ResourceWarning", "-m", "unittest", "--quiet"], cwd=DEV),
    )


def python_files():
    """The tools have no suffix by which ruff would find them."""
    tools = (path for folder in (DEV, DEV / "stack") for path in folder.iterdir() if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env python3"))
    return map(str, (DEV, ROOT / "tests", *tools))
