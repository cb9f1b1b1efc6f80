"""Latchkey's own commands and server."""

import json
import subprocess

from stack import processes, web
from stack.errors import ToolError


def migrate(binary, env):
    call(binary, env, "migrate")


def create_token(binary, env, *, role, name):
    return json.loads(call(binary, env, "token", "create", "--role", role, "--name", name, "--json"))["token"]


def call(binary, env, *arguments):
    ran = subprocess.run([binary, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
    if ran.returncode != 0:
        printed = (ran.stderr or ran.stdout).strip()
        raise ToolError(f"latchkey {' '.join(arguments[:2])} failed with exit code {ran.returncode}: {printed}")
    return ran.stdout


def serve(binary, env, folder, url, *, lasting=False):
    """Starts the server, whose private listener is at `url`, and waits until it is ready."""
    process = processes.start("Latchkey", [binary, "serve"], log=folder / "latchkey.log", env=env, lasting=lasting)
    try:
        process.wait_until(lambda: web.answers(f"{url}/readyz"))
    except BaseException:
        process.stop()
        raise
    return process
