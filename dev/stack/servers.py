"""All servers together: Postgres, the AWS stand-in with the vendor's account, and Latchkey."""

import contextlib
import secrets
from dataclasses import dataclass

from stack import env_file, latchkey, paths, ports, postgres, standin, vendor

DEFAULTS = {
    "AWS_REGION": "us-east-1",
    "LATCHKEY_VENDOR_NAME": "Example Vendor",
    "LATCHKEY_S3_PATH_STYLE": "true",
    # Webhook receivers run on this machine too.
    "LATCHKEY_WEBHOOK_ALLOW": "127.0.0.0/8,::1",
}
ONLY_FOR_CLIENTS = ("LATCHKEY_URL", "LATCHKEY_TOKEN")


@dataclass(frozen=True)
class Servers:
    # For clients: env_file.VARIABLES.
    client_env: dict
    # For Latchkey's own commands.
    latchkey_env: dict
    # In the order in which they were started.
    processes: list


def start(folder, given, binary, *, lasting=False, fast=False, preferred_ports=(None, None)):
    """Starts the servers that `given`, an environment, does not already point to."""
    given = DEFAULTS | {"LATCHKEY_WEBHOOK_KEY": webhook_key(folder)} | given
    # First, to report a taken port at once.
    public = ports.listen_address(given, "LATCHKEY_PUBLIC_LISTEN", preferred_ports[0])
    private = ports.listen_address(given, "LATCHKEY_PRIVATE_LISTEN", preferred_ports[1])
    values = {
        "LATCHKEY_URL": ports.url_of(private),
        "LATCHKEY_PUBLIC_URL": ports.url_of(public),
    } | {name: given[name] for name in env_file.VARIABLES if name in given}

    with contextlib.ExitStack() as on_failure:
        running = []

        def keep(process):
            running.append(process)
            on_failure.callback(process.stop)

        if "DATABASE_URL" not in values:
            server = postgres.start(folder, lasting=lasting, fast=fast)
            keep(server.process)
            values["DATABASE_URL"] = server.database("latchkey")
        if "AWS_ENDPOINT_URL" not in values:
            process, values["AWS_ENDPOINT_URL"] = standin.start(folder, lasting=lasting, persistent=lasting)
            keep(process)
        values |= vendor_values(values, binary, given)
        env = latchkey_environment(given, values, public, private)
        latchkey.migrate(binary, env)
        keep(latchkey.serve(binary, env, folder, ports.url_of(private), lasting=lasting))
        if "LATCHKEY_TOKEN" not in values:
            values["LATCHKEY_TOKEN"] = latchkey.create_token(binary, env, role="admin", name="dev")
        on_failure.pop_all()
    return Servers({name: values[name] for name in env_file.VARIABLES}, env, running)


@contextlib.contextmanager
def running(folder, settings, binary, **more):
    """Servers with these settings for as long as the context is open."""
    servers = start(folder, env_file.isolated_environment() | settings, binary, **more)
    with contextlib.ExitStack() as stack:
        for process in servers.processes:
            stack.callback(process.stop)
        yield servers


def webhook_key(folder):
    """Kept with the database: the signing secrets of its webhooks depend on it."""
    file = folder / "webhook-key"
    if not file.exists():
        paths.write_private(file, secrets.token_hex(32))
    return file.read_text()


def vendor_values(values, binary, settings):
    names = {
        "key": "AWS_ACCESS_KEY_ID",
        "secret": "AWS_SECRET_ACCESS_KEY",
        "storage_role": "LATCHKEY_STORAGE_ROLE_ARN",
        "direct_role": "LATCHKEY_DIRECT_ROLE_ARN",
    }
    if all(name in values for name in names.values()):
        return {}
    given = {field: values.get(name) for field, name in names.items()}
    account = vendor.set_up(values["AWS_ENDPOINT_URL"], values["AWS_REGION"], binary, settings, **given)
    return {name: getattr(account, field) for field, name in names.items()}


def latchkey_environment(given, values, public, private):
    """The user's settings, and where the servers are."""
    env = dict(given)
    if any(given.get(name) != values[name] for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID")):
        # The user's profile, session or endpoints are for another AWS than the one used here.
        env = {name: value for name, value in env.items() if not name.startswith("AWS_")}
        env |= {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
    env |= values | {"LATCHKEY_PUBLIC_LISTEN": public, "LATCHKEY_PRIVATE_LISTEN": private}
    return {name: value for name, value in env.items() if name not in ONLY_FOR_CLIENTS}
