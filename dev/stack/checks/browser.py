"""The onboarding form and the dashboard in a real browser: tests/browser, with Node's test runner and Chromium."""

import os
import re
import shutil
import sys

from stack import cargo, debian, node, processes, servers, terminal
from stack.checks.outcome import Outcome
from stack.errors import ToolError
from stack.paths import DEV, ROOT, RUN

TESTS = ROOT / "tests" / "browser"
SCREENSHOTS = RUN / "screenshots"
# Test files at a time: a page mostly waits for a verification.
CONCURRENCY = 2
PASSED = re.compile(r"^# pass (\d+)")
FAILED = re.compile(r"^# (?:fail|cancelled) (\d+)")
SETTINGS = {
    # Long enough to see the page wait, and no longer.
    "LATCHKEY_PROPAGATION_WINDOW": "8s",
    "LATCHKEY_VENDOR_CONTACT": "storage@vendor.example",
    # Turns mail on. Nothing listens there, so mails are only queued.
    "LATCHKEY_SMTP_URL": "smtp://127.0.0.1:9",
    "LATCHKEY_MAIL_FROM": "storage@vendor.example",
}


def test(folder):
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    counts = {"passed": 0, "failed": 0}

    def count(line):
        for name, pattern in (("passed", PASSED), ("failed", FAILED)):
            counts[name] += sum(int(number) for number in pattern.findall(line))

    code = run(folder, cargo.built(), sorted(TESTS.glob("*.test.js")), SCREENSHOTS, on_line=count)
    remark = f"screenshots in {SCREENSHOTS.relative_to(ROOT)}"
    terminal.line(remark)
    return Outcome(counts["passed"], max(counts["failed"], int(code != 0)), remark)


def run(folder, binary, files, screenshots, *, on_line=None):
    """Runs these test files against servers of their own, and returns the exit code."""
    browser = chromium()
    node.install(TESTS)
    own = folder / "browser"
    own.mkdir()
    with servers.running(own, SETTINGS, binary, fast=True) as running:
        env = os.environ | running.client_env | {
            "LATCHKEY_CHROMIUM": browser,
            "LATCHKEY_SCREENSHOTS": str(screenshots),
            "LATCHKEY_TEST_PYTHON": sys.executable,
            "PYTHONPATH": str(DEV),
        }
        command = ["node", "--test", "--test-reporter=tap", f"--test-concurrency={CONCURRENCY}", *map(str, files)]
        return processes.run(command, env=env, on_line=on_line)


def chromium():
    if found := find_chromium():
        return found
    debian.install("chromium", "fonts-dejavu-core")
    if found := find_chromium():
        return found
    raise ToolError("Chromium is needed (on Debian: apt-get install chromium), or its path in LATCHKEY_CHROMIUM")


def find_chromium():
    chosen = os.environ.get("LATCHKEY_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
