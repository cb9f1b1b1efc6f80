"""A Postgres that a Rust test controls: `python -m stack.postgres_keeper` prints its URL, then reads orders from standard input, one per
line, and answers each with a line: `done`, or the URL of the standby. At the end of the input it deletes Postgres and its data.

With the argument `lossy`, a crash loses the last commits."""

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
        keeper = Keeper(Path(folder), lossy="lossy" in sys.argv)
        try:
            print(keeper.running.url("postgres"), flush=True)
            for order in sys.stdin:
                print(getattr(keeper, order.strip())() or "done", flush=True)
        finally:
            keeper.end()


class Keeper:
    def __init__(self, folder, *, lossy):
        self.folder, self.running, self.replica = folder, None, None
        # Commits must survive a crash of Postgres, but not one of the machine.
        self.settings = {"synchronous_commit": "on"}
        if lossy:
            self.settings = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
        self.start()

    def start(self):
        port = self.running and self.running.port
        self.running = postgres.start(self.folder, fast=True, port=port, **self.settings)

    def stop(self):
        """A clean shutdown."""
        self.running.process.stop()

    def crash(self):
        """Kills all processes at once, as after a power cut."""
        os.killpg(self.running.process.pid, signal.SIGQUIT)
        processes.wait_for(lambda: not self.running.process.alive(), processes.GRACE_SECONDS)

    def standby(self):
        """Starts a standby. Returns its URL once it has everything."""
        self.replica = postgres.start_standby(self.running, self.folder / "standby", fast=True, **self.settings)
        position = self.running.psql("postgres", "select pg_current_wal_flush_lsn()").strip()
        has_it = f"select pg_last_wal_replay_lsn() >= '{position}'"
        processes.wait_for(lambda: self.replica.psql("postgres", has_it).strip() == "t", processes.GRACE_SECONDS)
        return self.replica.url("postgres")

    def detach(self):
        """Stops replication to the standby."""
        self.replica.psql("postgres", "alter system set primary_conninfo = ''")
        self.replica.psql("postgres", "select pg_reload_conf()")
        is_detached = "select not exists (select from pg_stat_wal_receiver)"
        processes.wait_for(lambda: self.replica.psql("postgres", is_detached).strip() == "t", processes.GRACE_SECONDS)

    def promote(self):
        """The standby becomes the primary."""
        self.replica.psql("postgres", "select pg_promote()")

    def end(self):
        self.stop()
        if self.replica:
            self.replica.process.stop()


if __name__ == "__main__":
    main()
