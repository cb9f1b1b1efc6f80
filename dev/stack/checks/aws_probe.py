"""The AWS stand-in against the documented behavior of AWS: tests/aws_probe."""

import re
import sys

from stack import processes
from stack.checks.outcome import Outcome
from stack.paths import ROOT

ROWS = re.compile(r"rows: (\d+) passed, (\d+) failed")


def check(endpoint):
    counts = [0, 0]

    def read(line):
        if found := ROWS.search(line):
            counts[:] = int(found[1]), int(found[2])

    script = ROOT / "tests" / "aws_probe" / "run.py"
    code = processes.run([sys.executable, str(script), "--endpoint", endpoint], on_line=read)
    return Outcome(counts[0], max(counts[1], int(code != 0)))
