"""Which servers ./dev/up left running."""

import json
from dataclasses import asdict

from stack.places import RUN
from stack.processes import Process

FILE = RUN / "up" / "running.json"


def write(processes):
    FILE.write_text(json.dumps([asdict(process) for process in processes], indent=1))


def read():
    return [Process(**process) for process in json.loads(FILE.read_text())] if FILE.exists() else []


def stop_all():
    """Stops them, the last one first. Returns how many were running."""
    alive = [process for process in read() if process.alive()]
    for process in reversed(alive):
        process.stop()
    FILE.unlink(missing_ok=True)
    return len(alive)
