"""Latchkey as the vendor runs it: a process with a user's access key, which may only assume the two roles of `latchkey vendor template`."""

import contextlib
import json
import time
from dataclasses import dataclass

from stack import env_file, latchkey, ports, postgres, vendor
from stack.conform import names
from stack.demo.api_client import ApiClient

# A change takes effect within seconds. This waits itself, so a verification need not.
SETTINGS = {"LATCHKEY_PROPAGATION_WINDOW": "0s", "LATCHKEY_VENDOR_NAME": "Example Vendor"}


@dataclass(frozen=True)
class Product:
    api: ApiClient
    storage_role: str
    direct_role: str


@contextlib.contextmanager
def running(folder, binary, account, run, region, *, patience, certificate=None):
    """Latchkey with the vendor's account for as long as the context is open."""
    settings = environment(account, region, certificate)
    user, roles = create_identity(account, run, region, binary, settings, patience)
    settings |= {
        "AWS_ACCESS_KEY_ID": user["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": user["SecretAccessKey"],
        "LATCHKEY_STORAGE_ROLE_ARN": roles["storage"],
        "LATCHKEY_DIRECT_ROLE_ARN": roles["direct"],
    }
    with contextlib.ExitStack() as stack:
        server = postgres.start(folder, fast=True)
        stack.callback(server.process.stop)
        listens = {name: ports.listen_address({}, name, None) for name in ("LATCHKEY_PUBLIC_LISTEN", "LATCHKEY_PRIVATE_LISTEN")}
        url = ports.url_of(listens["LATCHKEY_PRIVATE_LISTEN"])
        settings |= listens | {"DATABASE_URL": server.database("latchkey"), "LATCHKEY_PUBLIC_URL": ports.url_of(listens["LATCHKEY_PUBLIC_LISTEN"])}
        latchkey.migrate(binary, settings)
        stack.callback(latchkey.serve(binary, settings, folder, url).stop)
        token = latchkey.create_token(binary, settings, role="admin", name="conform")
        yield Product(ApiClient(url, token), roles["storage"], roles["direct"])


def environment(account, region, certificate):
    """The process's settings, without the user's own AWS settings."""
    env = env_file.isolated_environment() | SETTINGS
    env |= {"AWS_REGION": region, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
    if account.endpoint:
        env |= {"AWS_ENDPOINT_URL": account.endpoint, "LATCHKEY_S3_PATH_STYLE": "true"}
    if certificate:
        env["SSL_CERT_FILE"] = str(certificate)
    return env


def create_identity(account, run, region, binary, settings, patience):
    """A user for the process, with an access key, and the two roles, each with the documents that Latchkey issues to vendors."""
    iam, prefix = account.client("iam", region), names.prefix(run)
    user = iam.create_user(UserName=f"{prefix}latchkey")["User"]
    roles = {name: f"arn:aws:iam::{account.id}:role/{prefix}{name}" for name in ("storage", "direct")}
    documents = vendor.issued(binary, settings, roles, user["Arn"], account=account.id)
    for name in roles:
        trust = documents[f"{name}-role-trust"]
        retried(lambda name=name, trust=trust: iam.create_role(RoleName=f"{prefix}{name}", AssumeRolePolicyDocument=trust), patience)
        iam.put_role_policy(RoleName=f"{prefix}{name}", PolicyName="latchkey", PolicyDocument=documents[f"{name}-role-permissions"])
    iam.put_user_policy(UserName=user["UserName"], PolicyName="latchkey", PolicyDocument=documents["process-permissions"])
    return iam.create_access_key(UserName=user["UserName"])["AccessKey"], roles


def retried(call, patience, pause=4):
    """The result of a call that AWS refuses until a principal that it names is known everywhere."""
    from botocore.exceptions import ClientError

    until = time.monotonic() + patience
    while True:
        try:
            return call()
        except ClientError as error:
            if time.monotonic() >= until or not error.response["Error"]["Code"].startswith("MalformedPolicy"):
                raise
        time.sleep(pause)


def failed(verification):
    return [check["name"] for check in verification["checks"] if check["status"] == "failed"]


def answers_of(verification):
    """What AWS answered to the checks that did not pass, as text."""
    told = ((check["name"], check["status"], check.get("aws")) for check in verification["checks"] if check["status"] not in ("passed", "skipped"))
    return "; ".join(f"{name} {status} {json.dumps(aws, sort_keys=True)}" for name, status, aws in told)
