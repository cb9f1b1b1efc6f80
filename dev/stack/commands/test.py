"""./dev/test"""

import argparse
import contextlib
import os
import sys

from stack import cargo, places, postgres, processes, standin, venv
from stack.checks import dependencies, rust, tools
from stack.checks.report import Report, outcome


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="dev/test",
        description="Everything that CI runs, with servers and a data folder of its own: it can run beside a demo."
        " All steps run, whatever fails; the last line is the sum.",
    )
    parser.parse_args(arguments)
    venv.enter()
    # The caller's program is not what is tested.
    os.environ.pop("LATCHKEY_BIN", None)
    cargo.environment()
    report = Report()
    with places.own_folder("test") as folder, contextlib.ExitStack() as stack:
        server = postgres.start(folder, fast=True)
        stack.callback(server.process.stop)
        endpoints = []
        # Two, since one answers one call at a time.
        for name in ("standin-1", "standin-2"):
            process, url = standin.start(folder, name=name)
            stack.callback(process.stop)
            endpoints.append(url)
        check(report, folder, server, endpoints)
        code = report.close()
        if code:
            # Leaves the servers' logs; the sum is printed last all the same.
            places.leave_logs(folder)
    return code


def check(report, folder, server, endpoints):
    binary = cargo.built()
    described = folder / "described"
    report.step("formatting", rust.formatted)
    report.step("shell scripts", tools.scripts)
    report.step("tests of dev/", tools.unit_tests)
    compiles = report.step("clippy", lambda: rust.linted(server, described))
    report.step("queries (.sqlx)", lambda: rust.queries_are_fresh(described) if compiles else unreached("clippy"))
    built = report.step("build", rust.built)
    report.step("openapi.json", lambda: tool("openapi", "--check", LATCHKEY_BIN=binary) if built else unreached("the build"))
    report.step("AWS stand-in", lambda: tools.probe(endpoints[0]))
    report.step(
        "tests",
        lambda: rust.tested(
            LATCHKEY_TEST_DATABASE_URL=server.url("postgres"),
            LATCHKEY_TEST_AWS_ENDPOINTS=",".join(endpoints),
            LATCHKEY_BIN=binary,
        ),
    )
    report.step("documentation's examples", rust.documentation_tested)
    report.step("licences and sources", dependencies.allowed)
    report.step("advisories", dependencies.not_vulnerable)
    report.step("demo", lambda: tool("demo", "--once", LATCHKEY_BIN=binary) if built else unreached("the build"))


def tool(*arguments, **environment):
    return outcome(processes.run([sys.executable, "-m", "stack", *arguments], env=os.environ | environment) == 0)


def unreached(what):
    return outcome(False, f"not reached: {what} failed")
