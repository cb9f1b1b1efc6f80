"""Rejects policies that name a user or role which does not exist, as AWS does. When one is deleted, the policies that name it keep
its unique ID, which nobody has any more: one of the same name that is created later gets nothing from them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import json
import re

from ministack.core.responses import error_response_json
from ministack.services import iam, kms, s3

UNIQUE_ID = re.compile(r"A(ROA|IDA)[A-Z0-9]{16,}")
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
            if UNIQUE_ID.fullmatch(arn) and arn not in unique_ids():
                return arn
            match = IDENTITY.fullmatch(arn)
            if not match:
                continue
            account, kind, name = match.groups()
            found = (iam._roles if kind == "role" else iam._users).get_scoped(account, None, name)
            if found is None or found["Arn"] != arn:
                return arn
    return None


def unique_ids():
    roles, users = iam._roles.to_dict().values(), iam._users.to_dict().values()
    return {record.get(field) for records, field in ((roles, "RoleId"), (users, "UserId")) for record in list(records)}


def remembering(original, store, field):
    """Deletes a principal, and replaces its ARN by its unique ID wherever a policy names it."""
    def handle(params):
        record = store.get(iam._p(params, "RoleName" if field == "RoleId" else "UserName")) or {}
        arn, unique_id = record.get("Arn"), record.get(field)
        answer = original(params)
        if answer[0] == 200 and arn and unique_id:
            replace_principal(arn, unique_id)
        return answer

    return handle


def replace_principal(arn, unique_id):
    for key, policy in list(s3._bucket_policies._data.items()):
        s3._bucket_policies._data[key] = with_principal(policy, arn, unique_id)
    for record in list(kms._keys._data.values()):
        record["Policy"] = with_principal(record.get("Policy") or "", arn, unique_id)
    for record in list(iam._roles._data.values()):
        record["AssumeRolePolicyDocument"] = with_principal(record["AssumeRolePolicyDocument"], arn, unique_id)


def with_principal(document, old, new):
    """The document with one AWS principal instead of another; as it was, if it does not name that one."""
    if old not in str(document):
        return document
    body = json.loads(document) if isinstance(document, str) else document
    statements = body.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal")
        if isinstance(principal, dict) and "AWS" in principal:
            named = principal["AWS"]
            principal["AWS"] = (new if named == old else named) if isinstance(named, str) else [new if arn == old else arn for arn in named]
    return json.dumps(body) if isinstance(document, str) else body


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
            table["DeleteRole"] = remembering(iam._delete_role, iam._roles, "RoleId")
            table["DeleteUser"] = remembering(iam._delete_user, iam._users, "UserId")
    original_put_bucket_policy, s3._put_bucket_policy = s3._put_bucket_policy, put_bucket_policy
    kms._create_key = guarded_key(kms._create_key)
    kms._put_key_policy = guarded_key(kms._put_key_policy)
