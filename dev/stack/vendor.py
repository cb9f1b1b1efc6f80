"""The vendor's account in the stand-in, set up as in production with the documents of `latchkey vendor template`: an identity for
Latchkey that can only assume two roles, and these roles."""

import json
from dataclasses import dataclass

from stack import aws, latchkey
from stack.errors import ToolError

ACCOUNT = "111111111111"
USER = "latchkey"


@dataclass(frozen=True)
class Vendor:
    key: str
    secret: str
    storage_role: str
    direct_role: str


def set_up(endpoint, region, binary, settings, *, key=None, secret=None, storage_role=None, direct_role=None):
    """Creates what is not given. Idempotent, except that the user gets a new access key."""
    iam = aws.client("iam", endpoint, region, key=ACCOUNT)
    identity = identity_of(endpoint, region, key, secret) if key else create_user(iam)
    roles = {"storage": storage_role or arn("latchkey-storage"), "direct": direct_role or arn("latchkey-direct")}
    documents = issued(binary, settings, roles, identity)
    for name, given in (("storage", storage_role), ("direct", direct_role)):
        if not given:
            create_role(iam, f"latchkey-{name}", documents[f"{name}-role-trust"], documents[f"{name}-role-permissions"])
    if not key:
        key, secret = create_access_key(iam, documents["process-permissions"])
    return Vendor(key, secret, roles["storage"], roles["direct"])


def arn(role):
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def issued(binary, settings, roles, identity, *, account=ACCOUNT):
    """The documents by name, for this identity of the process."""
    # The documents are for a process that has a role. Here it is a user, whose access key does not expire.
    process_role = f"arn:aws:iam::{account}:role/{USER}"
    env = settings | {"LATCHKEY_STORAGE_ROLE_ARN": roles["storage"], "LATCHKEY_DIRECT_ROLE_ARN": roles["direct"]}
    printed = latchkey.call(binary, env, "vendor", "template", "--process-role", process_role)
    documents = json.loads(printed)["documents"]
    principal, user = json.dumps({"AWS": process_role}), json.dumps({"AWS": identity})
    return {document["document"]: json.dumps(document["body"]).replace(principal, user) for document in documents}


def identity_of(endpoint, region, key, secret):
    from botocore.exceptions import ClientError

    try:
        return aws.client("sts", endpoint, region, key=key, secret=secret).get_caller_identity()["Arn"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ToolError(
            f"AWS_ACCESS_KEY_ID is set in your environment, but {endpoint} rejects that key ({code}):"
            " unset it, or set AWS_ENDPOINT_URL to the endpoint it belongs to"
        ) from None


def create_user(iam):
    try:
        return iam.create_user(UserName=USER)["User"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_user(UserName=USER)["User"]["Arn"]


def create_access_key(iam, permissions):
    iam.put_user_policy(UserName=USER, PolicyName="latchkey", PolicyDocument=permissions)
    for old in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=USER, AccessKeyId=old["AccessKeyId"])
    created = iam.create_access_key(UserName=USER)["AccessKey"]
    return created["AccessKeyId"], created["SecretAccessKey"]


def create_role(iam, name, trust, permissions):
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName="latchkey", PolicyDocument=permissions)
