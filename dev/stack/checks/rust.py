"""Formatting, lints, documentation and tests of the crate."""

import shutil
from xml.etree import ElementTree

from stack import cargo, debian, processes, sqlx_data, terminal
from stack.checks.outcome import Outcome
from stack.errors import ToolError

PROFILE = "ci"


def formatting():
    return Outcome.of_exit_codes(processes.run(["cargo", "fmt", "--check", *cargo.manifest()], env=cargo.environment()))


def lints(folder, database):
    """Clippy expands the query macros, so one run also shows whether .sqlx is up to date."""
    query_data = folder / "sqlx"
    command = ["cargo", "clippy", "--locked", "--all-targets", *cargo.manifest(), "--", "--deny", "warnings"]
    if sqlx_data.compile_with_database(command, database, query_data) != 0:
        return Outcome(0, 1)
    if stale := sqlx_data.difference(query_data):
        terminal.line(f".sqlx is stale ({stale}): run ./dev/sqlx")
    return Outcome.of_exit_codes(0, int(bool(stale)))


def documentation():
    """Broken links fail, as do examples that do not run."""
    # Links to private items work: they are documented too.
    strict = cargo.environment(RUSTDOCFLAGS="--deny warnings --allow rustdoc::private_intra_doc_links")
    return Outcome.of_exit_codes(
        processes.run(["cargo", "doc", "--no-deps", "--document-private-items", *cargo.manifest()], env=strict),
        processes.run(["cargo", "test", "--doc", *cargo.manifest()], env=cargo.environment()),
    )


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
