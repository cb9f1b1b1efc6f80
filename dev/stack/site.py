"""All servers together: Postgres, the AWS stand-in with the vendor's account, and Latchkey."""

import contextlib
import os
import secrets
from dataclasses import dataclass

from stack import caller, latchkey, ports, postgres, standin, vendor

DEFAULTS = {
    "AWS_REGION": "us-east-1",
    "LATCHKEY_VENDOR_NAME": "Example Vendor",
    "LATCHKEY_S3_PATH_STYLE": "true",
    # Receivers of webhooks run on this machine too.
    "LATCHKEY_WEBHOOK_ALLOW": "127.0.0.0/8,::1",
}


@dataclass(frozen=True)
class Site:
    # What a client has to know, by the names in caller.NAMES.
    values: dict
    # What Latchkey's commands run with.
    env: dict
    # In the order in which they were started.
    processes: list


def start(folder, given, binary, *, lasting=False, fast=False, preferred_ports=(None, None)):
    """Starts what `given`, an environment, does not say is there already."""
    given = DEFAULTS | {"LATCHKEY_WEBHOOK_KEY": webhook_key(folder)} | given
    # First of all, so that a port that is taken is told at once.
    public = ports.listen_address(given, "LATCHKEY_PUBLIC_LISTEN", preferred_ports[0])
    private = ports.listen_address(given, "LATCHKEY_PRIVATE_LISTEN", preferred_ports[1])
    values = {
        "LATCHKEY_URL": ports.url_of(private),
        "LATCHKEY_PUBLIC_URL": ports.url_of(public),
    } | {name: given[name] for name in caller.NAMES if name in given}

    with contextlib.ExitStack() as started:
        running = []

        def keep(process):
            running.append(process)
            started.callback(process.stop)

        if "DATABASE_URL" not in values:
            server = postgres.start(folder, lasting=lasting, fast=fast)
            keep(server.process)
            values["DATABASE_URL"] = server.database("latchkey")
        if "AWS_ENDPOINT_URL" not in values:
            process, values["AWS_ENDPOINT_URL"] = standin.start(folder, lasting=lasting, keep=lasting)
            keep(process)
        values |= vendor_values(values)
        env = environment(given, values, public, private)
        latchkey.migrate(binary, env)
        keep(latchkey.serve(binary, env, folder, ports.url_of(private), lasting=lasting))
        if "LATCHKEY_TOKEN" not in values:
            values["LATCHKEY_TOKEN"] = latchkey.make_token(binary, env, role="admin", name="dev")
        started.pop_all()
    return Site({name: values[name] for name in caller.NAMES}, env, running)


def webhook_key(folder):
    """Kept as long as the database is, or else nobody could sign for the webhooks in it."""
    file = folder / "webhook-key"
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_hex(32))
    return file.read_text()


def vendor_values(values):
    names = {
        "key": "AWS_ACCESS_KEY_ID",
        "secret": "AWS_SECRET_ACCESS_KEY",
        "storage_role": "LATCHKEY_STORAGE_ROLE_ARN",
        "direct_role": "LATCHKEY_DIRECT_ROLE_ARN",
    }
    if all(name in values for name in names.values()):
        return {}
    given = {field: values.get(name) for field, name in names.items()}
    made = vendor.set_up(values["AWS_ENDPOINT_URL"], values["AWS_REGION"], **given)
    return {name: getattr(made, field) for field, name in names.items()}


def environment(given, values, public, private):
    """What Latchkey runs with: the caller's settings, and what the servers that were started come to."""
    env = dict(given)
    if any(given.get(name) != values[name] for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID")):
        # The caller's profile, session or endpoints belong to another AWS than the one that is used here.
        env = {name: value for name, value in env.items() if not name.startswith("AWS_")}
        env |= {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
    env |= values | {"LATCHKEY_PUBLIC_LISTEN": public, "LATCHKEY_PRIVATE_LISTEN": private}
    # For clients: a server has no use for them.
    return {name: value for name, value in env.items() if name not in ("LATCHKEY_URL", "LATCHKEY_TOKEN")}
