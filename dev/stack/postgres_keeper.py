"""A Postgres that a Rust test controls: `python -m stack.postgres_keeper` prints its URL, then reads `stop`, `crash` or `start`
from standard input, one a line, and answers `done`. At the end of the input it deletes Postgres and its data."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from stack import postgres, processes


def main():
    # As an exception, so that Postgres is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="latchkey-postgres-") as folder:
        # Postgres may run as another user.
        os.chmod(folder, 0o755)
        keeper = Keeper(Path(folder))
        try:
            print(keeper.running.url("postgres"), flush=True)
            for order in sys.stdin:
                getattr(keeper, order.strip())()
                print("done", flush=True)
        finally:
            keeper.stop()


class Keeper:
    def __init__(self, folder):
        self.folder, self.running = folder, None
        self.start()

    def start(self):
        port = self.running and self.running.port
        # Commits must survive a crash of Postgres, but not one of the machine.
        self.running = postgres.start(self.folder, fast=True, port=port, synchronous_commit="on")

    def stop(self):
        """A clean shutdown."""
        self.running.process.stop()

    def crash(self):
        """Kills all processes at once, as after a power cut."""
        os.killpg(self.running.process.pid, signal.SIGQUIT)
        processes.wait_for(lambda: not self.running.process.alive(), processes.GRACE_SECONDS)


if __name__ == "__main__":
    main()
