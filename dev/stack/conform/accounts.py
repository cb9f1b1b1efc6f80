"""The accounts of a run, with the credentials of profiles or of the environment."""

import contextlib
import os
from dataclasses import dataclass, field

from stack.conform import names
from stack.errors import ToolError

ROLES = ("vendor", "customer", "second")
# Where the name of a profile may be given instead of an option.
VARIABLES = {role: f"CONFORM_{role.upper()}_PROFILE" for role in ROLES}


@dataclass
class Account:
    role: str
    id: str
    arn: str
    session: object
    endpoint: str | None = None
    # Requests by operation, such as `kms.CreateKey`.
    requests: dict = field(default_factory=dict)

    def client(self, service, region):
        from botocore.config import Config

        return self.session.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            config=Config(retries={"mode": "standard", "total_max_attempts": 8}, s3={"addressing_style": "path"}),
        )

    def credentials(self):
        return self.session.get_credentials().get_frozen_credentials()

    def count(self, model, **_):
        operation = f"{model.service_model.service_name}.{model.name}"
        self.requests[operation] = self.requests.get(operation, 0) + 1


def profiles(arguments):
    """The profile of each role that was given one: by an option, or in the environment."""
    given = {role: getattr(arguments, f"{role}_profile") or os.environ.get(VARIABLES[role]) for role in ROLES}
    for role in ("vendor", "customer"):
        if not given[role]:
            raise ToolError(f"name the profile with the {role}'s credentials: --{role}-profile, or {VARIABLES[role]}")
    return {role: profile for role, profile in given.items() if profile}


def connect(given, run, region, endpoint=None):
    """The account of each role, after one call that tells its ID. Two roles may not share an account."""
    accounts = {role: open_account(role, profile, run, region, endpoint) for role, profile in given.items()}
    ids = [account.id for account in accounts.values()]
    if len(set(ids)) < len(ids):
        raise ToolError(f"the profiles must belong to different accounts, and these are in {', '.join(ids)}")
    return accounts


def open_account(role, profile, run, region, endpoint):
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        session = boto3.session.Session(profile_name=profile)
        account = Account(role, "", "", session, endpoint)
        identity = account.client("sts", region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise ToolError(f"the profile {profile} of the {role} cannot be used: {error}") from None
    account.id, account.arn = identity["Account"], identity["Arn"]
    if account.arn.endswith(":root"):
        raise ToolError(f"the profile {profile} of the {role} is a root user, which no policy limits: use a user or role that may administer the account")
    names.mark(session.events, run)
    session.events.register("before-call", account.count)
    return account


@contextlib.contextmanager
def environment(values):
    """Environment variables for as long as the context is open."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
