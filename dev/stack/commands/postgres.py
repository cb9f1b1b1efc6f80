"""A Postgres for a test, which has it stopped, crashed and started by lines on the standard input, and gone at its end.

Run as it is, by a Python that has the tools' packages: it is a part of the tests, no tool by itself."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from stack import postgres, processes


def main(_):
    with tempfile.TemporaryDirectory(prefix="latchkey-postgres-") as folder:
        # Whoever runs Postgres has to get at it.
        os.chmod(folder, 0o755)
        keeper = Keeper(Path(folder))
        try:
            print(keeper.running.url("postgres"))
            for order in sys.stdin:
                getattr(keeper, order.strip())()
                print("done")
        finally:
            keeper.stop()
    return 0


class Keeper:
    def __init__(self, folder):
        self.folder, self.running = folder, None
        self.start()

    def start(self):
        port = self.running and self.running.port
        # What was committed has to be there after a crash of Postgres, not after one of the machine.
        self.running = postgres.start(self.folder, fast=True, port=port, synchronous_commit="on")

    def stop(self):
        """Ends all connections, and writes everything down."""
        self.running.process.stop()

    def crash(self):
        """Ends all processes where they are."""
        os.killpg(self.running.process.pid, signal.SIGQUIT)
        processes.wait_for(lambda: not self.running.process.alive(), processes.GRACE_SECONDS)
