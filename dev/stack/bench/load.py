"""Load: wrk asks for paths, over and over, by as many connections as are given."""

import json
import os
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack import debian, terminal
from stack.trouble import Trouble

SCRIPT = Path(__file__).with_name("ask.lua")
CONNECTIONS = 64
# The two sides take turns, and each begins as often as the other, so that whatever else the machine does falls on both; each turn
# is long against a request.
ROUNDS = 16
SECONDS = 2


@dataclass(frozen=True)
class Side:
    """A server under load: what it is called, where it is, the process that does the work, and what it is asked for."""

    name: str
    url: str
    pid: int
    paths: Path
    token: str


def need():
    if not shutil.which("wrk") and not debian.install("wrk"):
        raise Trouble("wrk is needed (on Debian: apt-get install wrk)")


def run(side, *, seconds=SECONDS, connections=CONNECTIONS):
    """One turn: throughput, percentiles, and the server's own time for each request."""
    argv = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "10s"]
    argv += ["--header", f"Authorization: Bearer {side.token}", "--script", str(SCRIPT), side.url, "--", str(side.paths)]
    before = processor_seconds(side.pid)
    ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    used = processor_seconds(side.pid) - before
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode != 0 or not lines:
        raise Trouble(f"wrk failed: {(ran.stderr or ran.stdout).strip()}")
    told = json.loads(lines[-1])
    if told["failed"]:
        raise Trouble(f"{side.name}: {told['failed']} of {told['requests']} requests failed")
    return {
        "per_second": told["requests"] / told["seconds"],
        "p50_ms": told["p50_ms"],
        "p99_ms": told["p99_ms"],
        "processor_us": used * 1e6 / told["requests"],
    }


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compare(*sides):
    """The medians of every side, and of the others' ratios to the first: each ratio is of turns that followed one another."""
    for side in sides:
        run(side, seconds=1)
    turns = []
    for number in range(ROUNDS):
        terminal.line(f"round {number + 1} of {ROUNDS}: {', '.join(side.name for side in sides)}")
        order = sides if number % 2 else reversed(sides)
        turn = {side.name: run(side) for side in order}
        turns.append([turn[side.name] for side in sides])
    medians = [{name: statistics.median(turn[at][name] for turn in turns) for name in turns[0][at]} for at in range(len(sides))]
    ratios = [{name: statistics.median(turn[at][name] / turn[0][name] for turn in turns) for name in turns[0][at]} for at in range(1, len(sides))]
    return medians, ratios


def write_paths(file, paths):
    file.write_text("".join(f"{path}\n" for path in paths))
    return file
