"""The vendor's account in the stand-in, set up as in production: an identity for Latchkey that can only assume two roles,
and these roles."""

import json
from dataclasses import dataclass

from stack import aws
from stack.errors import ToolError

ACCOUNT = "111111111111"
USER = "latchkey"
CUSTOMER_FACING_ACTIONS = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:RestoreObject",
    "s3:DeleteObject",
    "s3:ListBucket",
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
]


@dataclass(frozen=True)
class Vendor:
    key: str
    secret: str
    storage_role: str
    direct_role: str


def set_up(endpoint, region, *, key=None, secret=None, storage_role=None, direct_role=None):
    """Creates what is not given. Idempotent, except that the user gets a new access key."""
    iam = aws.client("iam", endpoint, region, key=ACCOUNT)
    identity = identity_of(endpoint, region, key, secret) if key else create_user(iam)
    storage_role = storage_role or create_role(
        iam,
        "latchkey-storage",
        trust=allow("sts:AssumeRole", principal=identity),
        permissions=allow("sts:AssumeRole", resource="arn:aws:iam::*:role/*"),
    )
    direct_role = direct_role or create_role(
        iam,
        "latchkey-direct",
        trust=allow("sts:AssumeRole", "sts:TagSession", principal=identity),
        permissions=allow(*CUSTOMER_FACING_ACTIONS, resource="*"),
    )
    if not key:
        key, secret = create_access_key(iam, [storage_role, direct_role])
    return Vendor(key, secret, storage_role, direct_role)


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


def create_access_key(iam, roles):
    iam.put_user_policy(
        UserName=USER,
        PolicyName="assume-the-vendor-roles",
        PolicyDocument=allow("sts:AssumeRole", "sts:TagSession", resource=roles),
    )
    for old in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=USER, AccessKeyId=old["AccessKeyId"])
    created = iam.create_access_key(UserName=USER)["AccessKey"]
    return created["AccessKeyId"], created["SecretAccessKey"]


def create_role(iam, name, *, trust, permissions):
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="permissions", PolicyDocument=permissions)
    return arn


def allow(*actions, principal=None, resource=None):
    statement = {"Effect": "Allow", "Action": list(actions)}
    if principal:
        statement["Principal"] = {"AWS": principal}
    if resource:
        statement["Resource"] = resource
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
