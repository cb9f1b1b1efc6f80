"""What the caller's environment asks for, and the file that ./dev/up writes for it.

A shell that has read that file asks for nothing by it: or else ./dev/up, after ./dev/down, would wait for servers that
are gone. So a digest of every line that was ever written is kept, and such a variable counts as not set."""

import hashlib
import os

from stack.places import RUN, folder

NAMES = (
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
WRITTEN = RUN / "env-written"


def wishes():
    """The caller's environment, without what came from an earlier ./dev/up."""
    written = set(WRITTEN.read_text().split()) if WRITTEN.exists() else set()
    return {name: value for name, value in os.environ.items() if value and digest(name, value) not in written}


def without_wishes():
    """The caller's environment without the settings that say which servers to use."""
    return {name: value for name, value in os.environ.items() if name not in NAMES and not name.startswith("AWS_")}


def write_file(values, given):
    folder(".")
    with open(WRITTEN, "a") as written:
        written.writelines(f"{digest(name, value)}\n" for name, value in values.items() if given.get(name) != value)
    FILE.unlink(missing_ok=True)
    with open(os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"export {name}={quoted(value)}\n" for name, value in values.items())


def quoted(value):
    """For a shell: nothing in it means anything."""
    return "'" + value.replace("'", "'\\''") + "'"


def digest(name, value):
    return hashlib.sha256(f"{name}={value}".encode()).hexdigest()
