"""The customer's form and the dashboard in a real browser: tests/browser, by Node's own test runner and the machine's Chromium."""

import contextlib
import os
import re
import shutil
import subprocess
import sys

from stack import caller, cargo, debian, places, processes, site, terminal
from stack.places import DEV, ROOT, RUN
from stack.trouble import Trouble

TESTS = ROOT / "tests" / "browser"
# What a browser downloads, kept from run to run: the run names it.
SHOTS = RUN / "screenshots"
NODE = 20
# Files of tests: most of the time a page waits for a verification.
AT_ONCE = 2
PASSED = re.compile(r"^# pass (\d+)")
FAILED = re.compile(r"^# (?:fail|cancelled) (\d+)")
SETTINGS = {
    # Long enough to be seen waiting, short enough to wait for.
    "LATCHKEY_PROPAGATION_WINDOW": "6s",
    "LATCHKEY_VENDOR_CONTACT": "storage@vendor.example",
}


def test(folder):
    """Runs the tests against servers of their own. What passed, what failed, and a remark."""
    missing = what_is_missing()
    if missing and os.environ.get("CI") != "true":
        return 0, 0, f"skipped: {missing}"
    if missing:
        raise Trouble(missing)
    shutil.rmtree(SHOTS, ignore_errors=True)
    counts = {"passed": 0, "failed": 0}

    def hear(line):
        for name, pattern in (("passed", PASSED), ("failed", FAILED)):
            counts[name] += sum(int(count) for count in pattern.findall(line))

    code = run(folder, cargo.built(), sorted(TESTS.glob("*.test.js")), SHOTS, on_line=hear)
    remark = f"screenshots in {SHOTS.relative_to(ROOT)}"
    terminal.line(remark)
    return counts["passed"], max(counts["failed"], int(code != 0)), remark


def run(folder, binary, files, shots, *, on_line=None):
    """Runs these files by Node's test runner against servers of their own, and returns its exit code."""
    with contextlib.ExitStack() as stack:
        place = folder / "browser"
        place.mkdir()
        running = site.start(place, caller.without_wishes() | SETTINGS, binary, fast=True)
        for process in running.processes:
            stack.callback(process.stop)
        env = os.environ | running.values | {
            "LATCHKEY_CHROMIUM": chromium(),
            "LATCHKEY_SCREENSHOTS": str(shots),
            "LATCHKEY_TEST_PYTHON": sys.executable,
            "PYTHONPATH": str(DEV),
        }
        return processes.run(["node", "--test", "--test-reporter=tap", f"--test-concurrency={AT_ONCE}", *map(str, files)], env=env, on_line=on_line)


def what_is_missing():
    """None when the tests can run. Installs what may be installed."""
    node = shutil.which("node")
    version = node and subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    if not version or int(re.match(r"v?(\d+)", version)[1]) < NODE:
        return f"Node {NODE} or newer is needed (on Debian: apt-get install nodejs npm)"
    if not shutil.which("npm"):
        return "npm is needed (on Debian: apt-get install npm)"
    if not chromium():
        debian.install("chromium", "fonts-dejavu-core")
    if not chromium():
        return "Chromium is needed (on Debian: apt-get install chromium)"
    return packages()


def chromium():
    chosen = os.environ.get("LATCHKEY_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def packages():
    """The packages of the lock file, installed once for each state of it. None, or what went wrong."""
    lock, stamp = TESTS / "package-lock.json", TESTS / "node_modules" / ".made-of"
    with places.locked("npm"):
        if stamp.exists() and stamp.read_text() == lock.read_text():
            return None
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        ran = subprocess.run(command, cwd=TESTS, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ran.returncode != 0:
            return f"the packages of tests/browser could not be installed: {ran.stderr.strip().splitlines()[-1:]}"
        stamp.write_text(lock.read_text())
    return None
