"""./dev/test"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

from stack import browser, cargo, debian, fuzz, linting, places, postgres, processes, queries, standin, terminal, venv
from stack.places import DEV, ROOT
from stack.terminal import paint
from stack.trouble import Trouble

# Two, so that tests on as many cores do not wait for one Python.
STANDINS = 2
CARGO_DENY = "0.20.2"
# Nextest's summary, and that of each binary which `cargo test` runs.
NEXTEST = re.compile(r"Summary \[.*?\] .*?(\d+) passed")
NEXTEST_FAILED = re.compile(r"Summary \[.*?\] .*?(\d+) (?:failed|timed out)")
CARGO_TEST = re.compile(r"test result: \w+\. (\d+) passed")
CARGO_TEST_FAILED = re.compile(r"test result: \w+\. \d+ passed; (\d+) failed")
PROBE = re.compile(r"rows: (\d+) passed, \d+ excepted, (\d+) failed")
MATRIX = re.compile(r"ablation matrix: \d+ rows")


@dataclass
class Result:
    name: str
    passed: int
    failed: int
    seconds: float
    remark: str = ""


def main(arguments):
    parser = argparse.ArgumentParser(prog="dev/test", description="Everything that CI runs. The last line says how much passed and failed.")
    parser.parse_args(arguments)
    venv.enter()
    with places.own_folder("test") as folder, contextlib.ExitStack() as stack:
        terminal.heading("Servers")
        database = postgres.start(folder, fast=True)
        stack.callback(database.process.stop)
        endpoints = []
        for number in range(STANDINS):
            process, url = standin.start(folder, name=f"standin-{number}")
            stack.callback(process.stop)
            endpoints.append(url)
        results = [run(step, *context) for step, *context in steps(folder, database, endpoints)]
    return summarize(results)


def steps(folder, database, endpoints):
    """What is run, in this order: the cheap first, so that a slip shows early."""
    yield shell_scripts,
    yield formatting,
    yield lints_and_queries, folder, database
    yield dependencies,
    yield program,
    yield rust_tests, folder, database, endpoints
    yield templates, folder
    yield openapi,
    yield description, folder
    yield probe, endpoints[0]
    yield browser_tests, folder
    yield demo,


def run(step, *context):
    name = step.__name__.replace("_", " ")
    terminal.heading(name)
    begun = time.monotonic()
    try:
        outcome = step(*context)
    except Trouble as trouble:
        # One step that cannot be taken is a failure; the others are taken all the same.
        terminal.complain(f"dev/test: {trouble}")
        outcome = 1
    passed, failed, remark = outcome if isinstance(outcome, tuple) else (outcome == 0, outcome != 0, "")
    return Result(name, int(passed), int(failed), time.monotonic() - begun, remark)


def shell_scripts():
    scripts = [ROOT / ".ci" / "run", DEV / "stack" / "launch", *(path for path in DEV.iterdir() if path.is_file() and is_shell(path))]
    return max(processes.run(["sh", "-n", str(script)]) for script in scripts)


def is_shell(path):
    return path.read_bytes().startswith(b"#!/bin/sh")


def formatting():
    return processes.run(["cargo", "fmt", "--check", *cargo.manifest()], env=cargo.environment())


def lints_and_queries(folder, database):
    """Clippy expands the queries' macros too, so one run tells whether .sqlx is what they make of it."""
    described = folder / "described"
    command = ["cargo", "clippy", "--all-targets", *cargo.manifest(), "--", "--deny", "warnings"]
    failed = queries.describe(command, database, described) != 0
    stale = not failed and queries.difference(described)
    if stale:
        terminal.line(f".sqlx is stale ({stale}): run ./dev/sqlx")
    return (not failed) + (not failed and not stale), failed + bool(stale), ""


def dependencies():
    """Licences, bans and sources; advisories where their database can be reached."""
    found = cargo_deny()
    if not found:
        return 0, 0, f"skipped: no cargo-deny here (cargo install --locked cargo-deny@{CARGO_DENY})"
    command = [found, *cargo.manifest(), "check", "--hide-inclusion-graph"]
    failed = processes.run([*command, "licenses", "bans", "sources"], env=cargo.environment()) != 0
    advised = subprocess.run([*command, "advisories"], capture_output=True, text=True, env=cargo.environment())
    if "failed to fetch advisory database" in advised.stderr:
        return not failed, failed, "without advisories: their database cannot be reached"
    sys.stdout.write(advised.stderr)
    return (not failed) + (advised.returncode == 0), failed + (advised.returncode != 0), ""


def cargo_deny():
    """The one that is installed, or else, in CI, one that is built for this clone: that takes some minutes."""
    tools = DEV / ".tools"
    own = tools / "bin" / "cargo-deny"
    if installed := shutil.which("cargo-deny"):
        return installed
    if not own.exists() and os.environ.get("CI") == "true":
        command = ["cargo", "install", "--locked", f"cargo-deny@{CARGO_DENY}", "--root", str(tools), "--target-dir", str(tools / "target")]
        if processes.run(command, env=cargo.environment()) != 0:
            raise Trouble("cargo-deny could not be built; cargo says above why")
        shutil.rmtree(tools / "target", ignore_errors=True)
    return str(own) if own.exists() else None


def program():
    return processes.run(["cargo", "build", "--locked", *cargo.manifest()], env=cargo.environment())


def rust_tests(folder, database, endpoints):
    # Customers are given commands with it.
    if not shutil.which("jq") and not debian.install("jq"):
        raise Trouble("jq is needed (on Debian: apt-get install jq)")
    env = cargo.environment(
        LATCHKEY_TEST_DATABASE_URL=database.url("postgres"),
        LATCHKEY_TEST_AWS_ENDPOINTS=",".join(endpoints),
        # Where the AWS CLI is, and where one test leaves the templates for the linters.
        LATCHKEY_TEST_TOOLS=str(venv.VENV / "bin"),
        LATCHKEY_TEST_TEMPLATES=str(folder / "templates"),
        # A snapshot that differs fails, and writes nothing.
        INSTA_UPDATE="no",
    )
    if shutil.which("cargo-nextest"):
        told = Told(NEXTEST, NEXTEST_FAILED)
        profile = "ci" if os.environ.get("CI") == "true" else "default"
        command = ["cargo", "nextest", "run", *cargo.manifest(), "--profile", profile]
    else:
        told = Told(CARGO_TEST, CARGO_TEST_FAILED)
        terminal.line("cargo-nextest is not installed: cargo test does the same, slower")
        command = ["cargo", "test", *cargo.manifest(), "--no-fail-fast"]
    code = processes.run(command, env=env, on_line=told.hear)
    # A crate that does not compile, or a run that was cut off, has no summary: that is a failure too.
    return told.passed, max(told.failed, int(code != 0)), told.matrix


def templates(folder):
    return *linting.lint(folder / "templates"), ""


class Told:
    """What a test run says of itself."""

    def __init__(self, passed, failed):
        self.patterns = {"passed": passed, "failed": failed}
        self.passed, self.failed, self.matrix = 0, 0, ""

    def hear(self, line):
        line = re.sub(r"\x1b\[[0-9;]*m", "", line)
        for name, pattern in self.patterns.items():
            setattr(self, name, getattr(self, name) + sum(int(count) for count in pattern.findall(line)))
        if found := MATRIX.search(line):
            self.matrix = found[0]


def openapi():
    return processes.run([str(DEV / "openapi"), "--check"], env=os.environ | {"LATCHKEY_BIN": cargo.built()})


def description(folder):
    return fuzz.test(folder)


def probe(endpoint):
    counts = [0, 0]

    def hear(line):
        if found := PROBE.search(line):
            counts[:] = int(found[1]), int(found[2])

    script = ROOT / "tests" / "aws_probe" / "run.py"
    code = processes.run([sys.executable, str(script), "--endpoint", endpoint], on_line=hear)
    return counts[0], max(counts[1], int(code != 0)), ""


def browser_tests(folder):
    return browser.test(folder)


def demo():
    return processes.run([str(DEV / "demo"), "--once"], env=os.environ | {"LATCHKEY_BIN": cargo.built()})


def summarize(results):
    terminal.heading("Summary")
    for result in results:
        mark = paint("failed", "red") if result.failed else paint("passed", "green") if result.passed else paint("  –   ", "dim")
        terminal.line(f"{mark}  {result.name:22} {result.passed:5} passed {result.failed:4} failed {result.seconds:8.1f} s  {result.remark}")
    passed, failed = sum(result.passed for result in results), sum(result.failed for result in results)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
