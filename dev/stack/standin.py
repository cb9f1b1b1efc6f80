"""The AWS stand-in."""

import os
import sys

from stack import ports, processes, web
from stack.places import DEV


def command(port):
    return [sys.executable, "-m", "standin", "--port", str(port)]


def environment(folder, *, keep=False):
    """What it may write is in this folder. With `keep`, what it holds outlives it."""
    for name in ("tmp", "state", "objects"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    kept = "1" if keep else "0"
    own = {
        "PYTHONPATH": str(DEV),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder / "tmp"),
        "PERSIST_STATE": kept,
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": kept,
        "S3_DATA_DIR": str(folder / "objects"),
    }
    # The caller's settings for AWS are not meant for this side of it.
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | own


def start(folder, *, name="standin", lasting=False, keep=False):
    """Starts it, and returns its process and its URL."""
    port = ports.free_port()
    url = f"http://127.0.0.1:{port}"
    env = environment(folder / name, keep=keep)
    process = processes.start("the AWS stand-in", command(port), log=folder / f"{name}.log", env=env, lasting=lasting)
    try:
        process.wait_until(lambda: web.answers(f"{url}/_ministack/health"))
    except BaseException:
        process.stop()
        raise
    return process, url
