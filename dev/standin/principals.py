"""Rejects policies that name a user or role which does not exist, as AWS does.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import json
import re

from ministack.core.responses import error_response_json
from ministack.services import iam, kms, s3

IDENTITY = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(user|role)/(?:.*/)?([^/]+)")


def unknown_principal(document: str) -> str | None:
    """The first principal in the document that does not exist."""
    try:
        statements = json.loads(document).get("Statement", [])
    except (ValueError, AttributeError):
        return None
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {}) if isinstance(statement, dict) else {}
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        for arn in [named] if isinstance(named, str) else named:
            match = IDENTITY.fullmatch(arn)
            if not match:
                continue
            account, kind, name = match.groups()
            found = (iam._roles if kind == "role" else iam._users).get_scoped(account, None, name)
            if found is None or found["Arn"] != arn:
                return arn
    return None


def guarded_role(original, field):
    def handle(params):
        arn = unknown_principal(iam._p(params, field) or "")
        if arn:
            return iam._error(400, "MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{arn}"', ns="iam")
        return original(params)

    return handle


def put_bucket_policy(name, body):
    if unknown_principal(body.decode("utf-8", errors="replace")):
        return s3._error("MalformedPolicy", "Invalid principal in policy", 400, f"/{name}")
    return original_put_bucket_policy(name, body)


def guarded_key(original):
    def handle(data):
        if unknown_principal(data.get("Policy", "")):
            return error_response_json("MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.", 400)
        return original(data)

    return handle


def install():
    global original_put_bucket_policy
    iam._create_role = guarded_role(iam._create_role, "AssumeRolePolicyDocument")
    iam._update_assume_role_policy = guarded_role(iam._update_assume_role_policy, "PolicyDocument")
    for table in (value for value in vars(iam).values() if isinstance(value, dict)):
        if "CreateRole" in table:
            table["CreateRole"] = iam._create_role
            table["UpdateAssumeRolePolicy"] = iam._update_assume_role_policy
    original_put_bucket_policy, s3._put_bucket_policy = s3._put_bucket_policy, put_bucket_policy
    kms._create_key = guarded_key(kms._create_key)
    kms._put_key_policy = guarded_key(kms._put_key_policy)
