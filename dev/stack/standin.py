"""The AWS stand-in, dev/standin, as a process."""

import os
import sys

from stack import ports, processes, web
from stack.paths import DEV


def start(folder, *, name="standin", lasting=False, persistent=False):
    """Starts it, and returns its process and its URL. A persistent one keeps its state in `folder`."""
    port = ports.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "standin", "--port", str(port)]
    env = environment(folder / name, persistent)
    process = processes.start("the AWS stand-in", command, log=folder / f"{name}.log", env=env, lasting=lasting)
    try:
        process.wait_until(lambda: web.answers(f"{url}/_ministack/health"))
    except BaseException:
        process.stop()
        raise
    return process, url


def environment(folder, persistent):
    for name in ("tmp", "state", "objects"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    persist = "1" if persistent else "0"
    own = {
        "PYTHONPATH": str(DEV),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder / "tmp"),
        "PERSIST_STATE": persist,
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": persist,
        "S3_DATA_DIR": str(folder / "objects"),
    }
    # The user's AWS settings are for clients, not for this server.
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | own
