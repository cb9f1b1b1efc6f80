"""Where benches run: a Postgres, and Latchkey in a release build."""

import contextlib
import json
import os
import re
import subprocess
import time
import urllib.request
from functools import cached_property
from pathlib import Path

from stack import cargo, latchkey, ports, postgres, processes, web
from stack.errors import ToolError
from stack.paths import ROOT

ROLES = {
    "LATCHKEY_DIRECT_ROLE_ARN": "arn:aws:iam::111111111111:role/vendor",
    "LATCHKEY_STORAGE_ROLE_ARN": "arn:aws:iam::111111111111:role/vendor",
}
# Logs as in production.
SETTINGS = ROLES | {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIAPROCESS",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "LATCHKEY_LOG": "info",
    "LATCHKEY_LOG_FORMAT": "json",
}
BENCHES = ("smallest", "aws", "propagation")


def build():
    """Builds Latchkey and the benches' own servers, and returns their paths by name."""
    argv = ["cargo", "build", "--release", "--bin", "latchkey", *bench_arguments(), "--message-format", "json-render-diagnostics", *cargo.manifest()]
    built = {}
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=cargo.environment()) as running:
        for line in running.stdout:
            message = json.loads(line)
            if message.get("executable"):
                built[message["target"]["name"]] = message["executable"]
    if running.returncode != 0:
        raise ToolError("the release build failed; see the compiler's messages above")
    return built


def bench_arguments():
    return [part for name in BENCHES for part in ("--bench", name)]


class Testbed:
    def __init__(self, folder, stack, **settings):
        """`settings` are additional ones of Postgres."""
        self.folder, self.stack = folder, stack
        self.server = postgres.start(folder, fast=True, **settings)
        stack.callback(self.server.process.stop)

    @cached_property
    def programs(self):
        return build()

    def database(self, name):
        """The URL of a new database with the schema."""
        url = self.server.database(name)
        latchkey.migrate(self.programs["latchkey"], self.environment(url))
        return url

    def environment(self, database, **more):
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LATCHKEY_"))}
        return env | SETTINGS | {"DATABASE_URL": database} | more

    def token(self, database):
        return latchkey.create_token(self.programs["latchkey"], self.environment(database), role="service", name="bench")

    def serve(self, name, database, **more):
        """Starts Latchkey and returns its process, its URL, and the seconds until it was ready."""
        public, private = (f"127.0.0.1:{ports.free_port()}" for _ in range(2))
        env = self.environment(database, **{"LATCHKEY_PUBLIC_LISTEN": public, "LATCHKEY_PRIVATE_LISTEN": private} | more)
        url = ports.url_of(private)
        begin = time.monotonic()
        process = processes.start("Latchkey", [self.programs["latchkey"], "serve"], log=self.folder / f"{name}.log", env=env)
        self.stack.callback(process.stop)
        while not web.answers(f"{url}/readyz"):
            if not process.alive() or time.monotonic() - begin > 600:
                raise ToolError(f"Latchkey was not ready in time:\n{process.last_lines()}")
            time.sleep(0.002)
        return process, url, time.monotonic() - begin

    def start(self, name, *arguments):
        """Starts one of the benches' own servers, and returns its process and URL."""
        log = self.folder / f"{name}.log"
        process = processes.start(name, [self.programs[name], *arguments], log=log, env=dict(os.environ))
        self.stack.callback(process.stop)
        process.wait_until(lambda: log.read_text().endswith("\n"))
        return process, log.read_text().strip()


def get(url, token=None):
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"} if token else {})
    with contextlib.closing(web.OPENER.open(request, timeout=30)) as response:
        return response.read()


def size(url, token):
    """Bytes of a response beyond those of every axum response: its body and its own headers."""
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})
    with contextlib.closing(web.OPENER.open(request, timeout=30)) as response:
        own = [pair for pair in response.getheaders() if pair[0] not in ("content-type", "content-length", "date")]
        return len(response.read()) + sum(len(name) + len(value) + len(": \r\n") for name, value in own)


def resident_mib(process):
    return int(re.search(r"VmRSS:\s*(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) / 1024


def run_program(bed, name, *arguments, **env):
    ran = subprocess.run([bed.programs[name], *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ | env, cwd=ROOT)
    if ran.returncode != 0:
        raise ToolError(f"{name} failed: {ran.stderr.strip()}")
    return json.loads(ran.stdout)
