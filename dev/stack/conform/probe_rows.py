"""Part one: the rows of tests/aws_probe, with the credentials of the accounts. AWS needs seconds until a change takes effect, so there a
row is repeated until its answer is the documented one, or for a minute."""

import sys
import time

from stack import terminal
from stack.conform import names
from stack.conform.answers import Answer, stable
from stack.paths import ROOT

FOLDER = ROOT / "tests" / "aws_probe"
# Organizations, and requests that only say where they come from: not in anyone's real account.
ONLY_IN_THE_STAND_IN = ("w",)
SHORT_GROUPS = ("a", "b", "f", "k")
# For AWS. The stand-in needs none.
PATIENCE_SECONDS, PAUSE_SECONDS = 60, 4
NEW_PRINCIPAL = ("MalformedPolicy", "MalformedPolicyDocument", "MalformedPolicyDocumentException")


def run(accounts, run_id, *, endpoint=None, patience=PATIENCE_SECONDS, short=False):
    """The answers to all rows."""
    probe = load()
    probe.VENDOR, probe.CUSTOMER = accounts["vendor"].id, accounts["customer"].id
    roles = {account.id: role for role, account in accounts.items()}
    if "second" in accounts:
        probe.ATTACKER = accounts["second"].id
    rows = rows_with_patience(probe, patience)
    em = emulator(probe, accounts, run_id, endpoint)
    world = probe.Accounts(em, rows)
    world.prefix, world.fixed_names = names.prefix(run_id), False
    world.settled = lambda fn: settle(probe, fn, patience)
    world.setup_vendor()
    world.doc = world.settled(lambda: world.assume(world.base, world.doc_arn))
    for group, fn in probe.GROUPS.items():
        if group in ONLY_IN_THE_STAND_IN or (short and group not in SHORT_GROUPS):
            continue
        terminal.line(f"probe, group {group}")
        try:
            fn(world, False) if group == "s" else fn(world)
        except Exception as error:  # The other groups can still run.
            rows.add(f"{group}!", f"group {group} ended early", "no error", "FAIL", f"{type(error).__name__}: {error}")
    return [answer(row, rows.outcomes.get(row["id"]), roles) for row in rows.rows]


def load():
    """The probe as a module of its own, whose accounts can be set."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("aws_probe", FOLDER / "probe.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def emulator(probe, accounts, run_id, endpoint):
    """AWS as one of the probe's emulators."""

    class Aws(probe.Emu):
        has_root_keys = False

        def __init__(self):
            super().__init__(endpoint or "")
            self.by_id = {account.id: account for account in accounts.values()}

        def make_root(self, account):
            # Without a second customer, the vendor's other identities are who must be denied.
            found = self.by_id.get(account) or accounts["vendor"]
            keys = found.credentials()
            return probe.Creds(keys.access_key, keys.secret_key, keys.token)

        def url(self, service, region):
            return endpoint or f"https://{service}.{region}.amazonaws.com"

        def attach(self, client):
            names.mark(client.meta.events, run_id)
            service = client.meta.service_model.service_name
            for account in self.by_id.values():
                if client._request_signer._credentials.access_key == account.credentials().access_key:
                    client.meta.events.register("before-call", account.count)
            client.meta.events.register(f"needs-retry.{service}", wait_for_principal)

    return Aws()


def wait_for_principal(response, attempts, **_):
    """A policy may name a new role only seconds after it was created. The pause before another attempt, or None."""
    if response is None:
        return None
    error = response[1].get("Error", {})
    refused = error.get("Code") in NEW_PRINCIPAL and "nvalid principal" in error.get("Message", "")
    return PAUSE_SECONDS if refused and attempts * PAUSE_SECONDS < PATIENCE_SECONDS and not wait_for_principal.disabled else None


# The stand-in knows a principal at once.
wait_for_principal.disabled = False


def rows_with_patience(probe, patience):
    class PatientRows(probe.Rows):
        def __init__(self):
            super().__init__([], False)
            self.outcomes = {}

        def check(self, rid, title, fn, want="ok", needs=()):
            until = time.monotonic() + patience
            while True:
                before = len(self.rows)
                outcome = super().check(rid, title, fn, want, needs)
                self.outcomes[rid] = outcome
                if self.rows[-1]["verdict"] == "PASS" or time.monotonic() >= until:
                    return outcome
                # Only the last answer counts.
                del self.rows[before:]
                time.sleep(PAUSE_SECONDS)

    return PatientRows()


def settle(probe, fn, patience):
    """The result of a call once AWS allows it."""
    until = time.monotonic() + patience
    while True:
        try:
            return fn()
        except probe.ClientError:
            if time.monotonic() >= until:
                raise
        time.sleep(PAUSE_SECONDS)


def answer(row, outcome, roles):
    if outcome is None:
        return Answer("probe", row["id"], row["verdict"], message=stable(row["got"], roles))
    message = "" if outcome.ok else stable(outcome.msg, roles)
    return Answer("probe", row["id"], row["verdict"], outcome.code, outcome.status, message)

