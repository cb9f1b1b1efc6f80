"""./dev/bench"""

import argparse
import os

from stack import cargo, processes, venv

HELP = """verify   a verification, with 50 ms for each call of AWS, against its waves and against the AWS CLI"""


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="dev/bench",
        description="Measures one thing, in a release build, and prints ratios of the same run.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=BENCHES)
    chosen = parser.parse_args(arguments)
    venv.enter()
    return BENCHES[chosen.what]()


def verify():
    cli = venv.VENV / "bin" / "aws"
    told = {"LATCHKEY_BENCH_AWS_CLI": str(cli)} if os.access(cli, os.X_OK) else {}
    return processes.run(["cargo", "bench", "--bench", "verify", *cargo.manifest()], env=cargo.environment(**told))


BENCHES = {"verify": verify}
