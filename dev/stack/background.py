"""Servers that keep running when their tool has ended."""

import json
from dataclasses import asdict

from stack import paths
from stack.processes import Process


class Group:
    """The servers of one tool, listed in a file."""

    def __init__(self, name):
        self.folder = paths.RUN / name
        self.file = self.folder / "running.json"

    def write(self, processes):
        self.file.write_text(json.dumps([asdict(process) for process in processes], indent=1))

    def read(self):
        return [Process(**process) for process in json.loads(self.file.read_text())] if self.file.exists() else []

    def stop(self):
        """Stops them, the last one first, and returns how many were running."""
        alive = [process for process in self.read() if process.alive()]
        for process in reversed(alive):
            process.stop()
        self.file.unlink(missing_ok=True)
        return len(alive)


# Of ./dev/up and of ./dev/services.
UP, SERVICES = Group("up"), Group("services")
