"""Load: wrk requests paths in a loop over a number of connections."""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack import debian, terminal
from stack.errors import ToolError

SCRIPT = Path(__file__).with_name("ask.lua")
CONNECTIONS = 64
# The sides take turns and alternate in going first, so that other load on the machine affects both equally. A turn is long
# compared to a request.
ROUNDS = 16
SECONDS = 2


@dataclass(frozen=True)
class Side:
    """A server under load, and the requests that it gets."""

    name: str
    url: str
    pid: int
    paths: Path
    token: str


def need():
    debian.need("wrk")


def run(side, *, seconds=SECONDS, connections=CONNECTIONS):
    """One turn: throughput, percentiles, and the server's CPU time per request."""
    argv = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "10s"]
    argv += ["--header", f"Authorization: Bearer {side.token}", "--script", str(SCRIPT), side.url, "--", str(side.paths)]
    before = cpu_seconds(side.pid)
    ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    used = cpu_seconds(side.pid) - before
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode != 0 or not lines:
        raise ToolError(f"wrk failed: {(ran.stderr or ran.stdout).strip()}")
    summary = json.loads(lines[-1])
    if summary["failed"]:
        raise ToolError(f"{side.name}: {summary['failed']} of {summary['requests']} requests failed")
    return {
        "per_second": summary["requests"] / summary["seconds"],
        "p50_ms": summary["p50_ms"],
        "p99_ms": summary["p99_ms"],
        "cpu_us": used * 1e6 / summary["requests"],
    }


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compare(*sides):
    """The medians of each side, and of the ratios of the other sides to the first. A ratio compares turns of the same round."""
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
