"""Building."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

from stack import processes
from stack.places import ROOT
from stack.trouble import Trouble


def environment(**more):
    """Queries are checked against their committed descriptions, whatever database the caller has."""
    need("cargo", "Rust 1.95 or newer is needed: https://rustup.rs")
    need("cc", "a C compiler is needed (on Debian: apt-get install build-essential)")
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PYTHONPATH")}
    return env | {"SQLX_OFFLINE": "true"} | more


def need(program, trouble):
    if not shutil.which(program):
        raise Trouble(trouble)


def binary():
    """The program itself: LATCHKEY_BIN when that is set, or else a fresh build."""
    if chosen := os.environ.get("LATCHKEY_BIN"):
        if not os.access(chosen, os.X_OK):
            raise Trouble(f"LATCHKEY_BIN={chosen}: there is no program there")
        return chosen
    if processes.run(["cargo", "build", "--bin", "latchkey", *manifest()], env=environment()) != 0:
        raise Trouble("the build failed; the compiler says above what is wrong")
    return built()


def built():
    return str(target_folder() / "debug" / "latchkey")


def manifest():
    return ["--manifest-path", str(ROOT / "Cargo.toml")]


@functools.cache
def target_folder():
    argv = ["cargo", "metadata", "--no-deps", "--format-version=1", "--offline", *manifest()]
    told = subprocess.run(argv, capture_output=True, text=True, env=environment())
    if told.returncode != 0:
        raise Trouble(f"cargo metadata: {told.stderr.strip()}")
    return Path(json.loads(told.stdout)["target_directory"])
