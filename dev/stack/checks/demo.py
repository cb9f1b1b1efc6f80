"""The demo, as a person runs it, but ended when it is done."""

import os

from stack import cargo, processes
from stack.checks.outcome import Outcome
from stack.paths import DEV


def check():
    return Outcome.of_exit_codes(processes.run([str(DEV / "demo"), "--once"], env=os.environ | {"LATCHKEY_BIN": cargo.built()}))
