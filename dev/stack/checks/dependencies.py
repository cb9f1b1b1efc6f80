"""Licenses, bans, sources and advisories of the dependencies, with cargo-deny."""

import subprocess
import sys

from stack import cargo, processes
from stack.checks.outcome import Outcome

VERSION = "0.20.2"


def check():
    command = [cargo.tool("cargo-deny", VERSION), *cargo.manifest(), "check", "--hide-inclusion-graph"]
    env = cargo.environment()
    code = processes.run([*command, "licenses", "bans", "sources"], env=env)
    advisories = subprocess.run([*command, "advisories"], capture_output=True, text=True, env=env)
    if "failed to fetch advisory database" in advisories.stderr:
        return Outcome(int(code == 0), int(code != 0), "without advisories: their database cannot be reached")
    sys.stdout.write(advisories.stderr)
    return Outcome.of_exit_codes(code, advisories.returncode)
