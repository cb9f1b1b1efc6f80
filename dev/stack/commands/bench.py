"""./dev/bench"""

import argparse
import contextlib
import os

from stack import cargo, places, processes, terminal, venv

HELP = """verify        a verification, with 50 ms for each call of AWS, against its waves and against the AWS CLI
read          config reads against the smallest axum handler; start, memory, and how fast a change gets to two replicas
credentials   credentials at hand against config reads; STS calls for many callers at once
scale         config reads of a million tenants against those of a thousand; memory for each
list          pages of 100,000 tenants, by every filter, against those of a thousand"""


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="dev/bench",
        description="Measures, in a release build, and prints ratios of the same run.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=BENCHES)
    parser.add_argument("--record", action="store_true", help="put the results into docs/benchmarks.json and the README")
    parser.add_argument("--check", action="store_true", help="end with exit code 1 when a target is missed")
    chosen = parser.parse_args(arguments)
    venv.enter()
    return BENCHES[chosen.what](chosen)


def verify(_):
    cli = venv.VENV / "bin" / "aws"
    told = {"LATCHKEY_BENCH_AWS_CLI": str(cli)} if os.access(cli, os.X_OK) else {}
    return processes.run(["cargo", "bench", "--bench", "verify", *cargo.manifest()], env=cargo.environment(**told))


def measured(chosen):
    # They need what the tools' own environment has.
    from stack.bench import credentials, place, read, report, scale, tenant_list

    bench = {"read": read, "credentials": credentials, "scale": scale, "list": tenant_list}[chosen.what]
    with places.own_folder("bench") as folder, contextlib.ExitStack() as stack:
        figures = bench.measure(place.Place(folder, stack))
    terminal.heading("Results")
    report.show(figures)
    if chosen.record:
        report.record(chosen.what, figures)
    return 1 if chosen.check and report.missed(figures) else 0


BENCHES = {"verify": verify, "read": measured, "credentials": measured, "scale": measured, "list": measured}
