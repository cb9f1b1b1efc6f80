"""./dev/conform in its short form, against the stand-in over TLS as if it were AWS: what it finds, and that it leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys

from stack import cargo, processes, terminal
from stack.checks.outcome import Outcome
from stack.conform import accounts, cleanup, names, plan, stand_in
from stack.paths import DEV

REGION = "eu-central-1"
REGIONS = (*plan.PROBE_REGIONS, REGION)
SUMMARY = re.compile(r"conform: (\d+) answers, (\d+) differences, (\d+) not deleted, (\d+) exceeded")
# A line that appears when there is something to delete.
BUSY = "probe, group b"


def test(folder):
    with stand_in.running(folder / "conform", REGION) as (url, certificate, profiles):
        command = [sys.executable, str(DEV / "conform"), "--yes", "--region", REGION, "--endpoint-url", url, "--ca-bundle", str(certificate)]
        command += [word for role, profile in profiles.items() for word in (f"--{'second-customer' if role == 'second' else role}-profile", profile)]
        there = accounts.connect(profiles, names.new_run(), REGION, url).values()
        problems = [*short_form(command, folder), *interrupted(command), *leftovers(command, there), *left_behind(there)]
    for problem in problems:
        terminal.line(problem)
    return Outcome(4 - min(4, len(problems)), len(problems))


def short_form(command, folder):
    counts = []

    def read(line):
        if found := SUMMARY.search(line):
            counts.extend(map(int, found.groups()))

    env = os.environ | {"LATCHKEY_BIN": cargo.built()}
    code = processes.run([*command, "--short", "--out", str(folder / "conform" / "answers.jsonl")], env=env, on_line=read)
    if code != 0 or len(counts) != 4 or counts[0] < 30 or any(counts[1:]):
        yield f"the short form ended with {code} and {counts or 'no summary'}"


def interrupted(command):
    """Ctrl-C, once there is something to delete."""
    running = subprocess.Popen([*command, "--parts", "probe"], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    for line in running.stdout:
        if BUSY in line:
            running.send_signal(signal.SIGINT)
            break
    printed = running.stdout.read()
    if running.wait() != 130 or "deleted" not in printed:
        yield f"Ctrl-C ended it with {running.returncode}: {printed.strip()[-300:]}"


def leftovers(command, there):
    """`--cleanup` deletes what a run left behind that was killed, and nothing else."""
    customer = next(account for account in there if account.role == "customer")
    iam, kms = customer.client("iam", REGION), customer.client("kms", REGION)
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
    for name in (names.prefix("00000000") + "role", "theirs"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    kms.create_key(Tags=[])
    code = processes.run([*command, "--cleanup"])
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    if code != 0 or roles != ["theirs"]:
        yield f"--cleanup ended with {code}, and the roles {roles} remain"


def left_behind(there):
    for account in there:
        deleted, failed = cleanup.sweep(account, REGIONS)
        if deleted or failed:
            yield f"left behind in {account.role}: {', '.join([*deleted, *failed])}"
