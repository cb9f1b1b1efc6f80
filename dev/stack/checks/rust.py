"""Formatting, lints, documentation and tests of the crate."""

import shutil
from xml.etree import ElementTree

from stack import cargo, debian, processes, sqlx_data, terminal
from stack.checks.outcome import Outcome
from stack.errors import ToolError
from stack.paths import DEV

PROFILE = "ci"


def formatting():
    return Outcome.of_exit_codes(processes.run(["cargo", "fmt", "--check", *cargo.manifest()], env=cargo.environment()))


def lints(folder, database):
    """Builds everything with Clippy as the compiler: the tests run what it builds. Clippy also expands the query macros, which shows
    whether .sqlx is up to date."""
    query_data = folder / "sqlx"
    command = ["cargo", "test", "--no-run", "--quiet", "--locked", "--all-targets", *cargo.manifest()]
    if sqlx_data.compile_with_database(command, database, query_data) != 0:
        return Outcome(0, 1)
    if stale := sqlx_data.difference(query_data):
        terminal.line(f".sqlx is stale ({stale}): run ./dev/sqlx")
    return Outcome.of_exit_codes(0, int(bool(stale)))


def documentation():
    """Broken links fail, as do examples that do not run."""
    env = cargo.environment(RUSTDOC=str(DEV / "stack" / "rustdoc_pages"))
    return Outcome.of_exit_codes(processes.run(["cargo", "test", "--doc", *cargo.manifest()], env=env))


def tests(test_env):
    # The commands for customers use jq.
    debian.need("jq")
    if not shutil.which("cargo-nextest"):
        raise ToolError("cargo-nextest is needed (cargo install --locked cargo-nextest)")
    env = cargo.environment(
        **test_env,
        # A changed snapshot fails the test and writes nothing.
        INSTA_UPDATE="no",
    )
    report = cargo.target_folder() / "nextest" / PROFILE / "junit.xml"
    report.unlink(missing_ok=True)
    code = processes.run(["cargo", "nextest", "run", *cargo.manifest(), "--profile", PROFILE], env=env)
    total, failed = counts(report) if report.exists() else (0, 0)
    # A crate that does not compile or a run that is cut off has no failed test, but fails.
    return Outcome(total - failed, max(failed, int(code != 0)))


def counts(report):
    """How many tests ran, and how many of them failed."""
    suites = ElementTree.parse(report).getroot()
    return int(suites.get("tests")), int(suites.get("failures")) + int(suites.get("errors"))
