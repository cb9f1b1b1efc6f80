"""Results: compared to their targets, stored in docs/benchmarks.json with a description of the machine, and shown in a table of
the documentation, which is generated from that file."""

import json
import os
import platform
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from stack import terminal
from stack.paths import ROOT
from stack.terminal import paint

FILE = ROOT / "docs" / "benchmarks.json"
BEGIN, END = "<!-- made by dev/bench -->", "<!-- end -->"


@dataclass(frozen=True)
class Figure:
    """One number, with an optional target."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    def met(self):
        return (self.at_least is None or self.value >= self.at_least) and (self.at_most is None or self.value <= self.at_most)

    def target(self):
        if self.at_least is not None and self.at_least == self.at_most:
            return f"= {number(self.at_least)}{self.gap()}"
        if self.at_least is not None:
            return f"≥ {number(self.at_least)}{self.gap()}"
        return f"≤ {number(self.at_most)}{self.gap()}" if self.at_most is not None else ""

    def shown(self):
        return number(self.value) + self.gap()

    def gap(self):
        return f" {self.unit}" if self.unit else ""


def number(value):
    """Three significant digits, but no rounding of large numbers."""
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def show(figures):
    for figure in figures:
        mark = "" if not figure.target() else paint("met", "green") if figure.met() else paint("missed", "red")
        terminal.line(f"{figure.name:74} {figure.shown():>14}  {figure.target():>10}  {mark}")


def missed(figures):
    return sum(not figure.met() for figure in figures)


def record(bench, figures):
    """Replaces the figures of one bench, and updates the table."""
    benches = json.loads(FILE.read_text()) if FILE.exists() else {}
    benches[bench] = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    FILE.write_text(json.dumps(benches, indent=2, ensure_ascii=False) + "\n")
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        if BEGIN in (text := page.read_text()):
            page.write_text(with_table(text, benches))


def with_table(text, benches):
    begin, end = text.index(BEGIN), text.index(END)
    return text[: begin + len(BEGIN)] + "\n" + table(benches) + text[end:]


def table(benches):
    rows = ["| | measured | target | |", "| --- | --- | --- | --- |"]
    for bench in benches.values():
        for figure in (Figure(**figure) for figure in bench["figures"]):
            mark = "" if not figure.target() else "met" if figure.met() else "missed"
            rows.append(f"| {figure.name} | {figure.shown()} | {figure.target()} | {mark} |")
    machines = {describe(bench["machine"]) for bench in benches.values()}
    return "\n".join(rows) + f"\n\nOn {'; and on '.join(sorted(machines))}.\n"


def describe(machine):
    return f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, {machine['system']}, Linux {machine['kernel']}"


def machine():
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": cpu[1].strip() if cpu else platform.machine(),
        "memory_gib": round(int(memory[1]) / 2**20),
        "system": system,
        "kernel": platform.release().split("-")[0],
        "rust": version("rustc", "--version"),
        "wrk": version("wrk", "--version"),
        "load_before": round(os.getloadavg()[0], 1),
    }


def version(*argv):
    if shutil.which(argv[0]) is None:
        return "not installed"
    printed = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return (printed.stdout or printed.stderr).splitlines()[0].strip()
