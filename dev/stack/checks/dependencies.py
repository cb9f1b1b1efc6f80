"""Licenses, bans, sources and advisories of the dependencies, with cargo-deny.

What cannot be checked counts as failed. There is one exception: without a network, there are no advisories, and the summary says so.
In CI that is a failure too, unless the variable ADVISORIES_SKIPPED has the reason."""

import os
import socket
import subprocess
import sys

from stack import cargo, processes, terminal
from stack.checks.outcome import Outcome

VERSION = "0.20.2"
# Where the advisory database is fetched from.
HOST = "github.com"


def check():
    command = [cargo.tool("cargo-deny", VERSION), *cargo.manifest(), "check", "--hide-inclusion-graph"]
    env = cargo.environment()
    code = processes.run([*command, "licenses", "bans", "sources"], env=env)
    advisories = subprocess.run([*command, "advisories"], capture_output=True, text=True, env=env)
    sys.stdout.write(advisories.stderr)
    if advisories.returncode != 0 and "failed to fetch advisory database" in advisories.stderr and (reason := reason_to_skip()):
        terminal.line(f"Advisories were not checked: {reason}")
        return Outcome(int(code == 0), int(code != 0), f"WITHOUT ADVISORIES: {reason}")
    return Outcome.of_exit_codes(code, advisories.returncode)


def reason_to_skip():
    """Why advisories need not be checked; empty if they have to be."""
    if given := os.environ.get("ADVISORIES_SKIPPED", "").strip():
        return given
    if os.environ.get("CI") or has_network():
        return ""
    return f"no network ({HOST} cannot be reached)"


def has_network():
    try:
        socket.create_connection((HOST, 443), timeout=5).close()
    except OSError:
        return False
    return True
