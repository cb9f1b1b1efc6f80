"""dev/.run/env, the file that ./dev/up writes for a shell to source.

A shell that sourced it passes those variables to the next ./dev/up, which must not take them for settings of the user:
the servers they point to may be gone. So a digest of every line ever written is kept, and a variable with a known digest
counts as not set."""

import hashlib
import os

from stack import paths
from stack.paths import RUN

VARIABLES = (
    "DATABASE_URL",
    "LATCHKEY_URL",
    "LATCHKEY_PUBLIC_URL",
    "LATCHKEY_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "LATCHKEY_STORAGE_ROLE_ARN",
    "LATCHKEY_DIRECT_ROLE_ARN",
)
FILE = RUN / "env"
DIGESTS = RUN / "env-digests"


def user_environment():
    """The environment without variables from an earlier ./dev/up."""
    known = set(DIGESTS.read_text().split()) if DIGESTS.exists() else set()
    return {name: value for name, value in os.environ.items() if value and digest(name, value) not in known}


def isolated_environment():
    """The environment without variables that point to servers."""
    return {name: value for name, value in os.environ.items() if name not in VARIABLES and not name.startswith("AWS_")}


def write(values, given):
    paths.folder(".")
    with open(DIGESTS, "a") as digests:
        digests.writelines(f"{digest(name, value)}\n" for name, value in values.items() if given.get(name) != value)
    paths.write_private(FILE, "".join(f"export {name}={quoted(value)}\n" for name, value in values.items()))


def read():
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
    return {name: value[1:-1].replace("'\\''", "'") for name, value in pairs}


def quoted(value):
    """As one word of a shell, without any expansion."""
    return "'" + value.replace("'", "'\\''") + "'"


def digest(name, value):
    return hashlib.sha256(f"{name}={value}".encode()).hexdigest()
