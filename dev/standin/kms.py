"""KMS: keys of other accounts by ARN, `ReEncrypt`, `DryRun`, and AWS's error codes.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
"""

import base64
import json
import re

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, set_request_account_id
from ministack.services import kms, s3

from . import key_kinds, policies

KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
# Said of a key in another account: which of the three it is stays hidden.
UNREACHABLE = ("because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy "
               "explicitly denies access")

HANDLERS = {
    "Encrypt": lambda data: kms._encrypt(data),
    "Decrypt": lambda data: kms._decrypt(data),
    "GenerateDataKey": lambda data: kms._generate_data_key(data),
    "GenerateDataKeyWithoutPlaintext": lambda data: kms._generate_data_key_without_plaintext(data),
    "DescribeKey": lambda data: kms._describe_key(data),
    "GetKeyRotationStatus": lambda data: kms._get_key_rotation_status(data),
    "ListGrants": lambda data: kms._list_grants(data),
}

# These work on keys in every state. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
IN_EVERY_STATE = {"kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:ListGrants"}


class KmsError(Exception):
    """An error response of KMS."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status

    def response(self):
        return error_response_json(self.code, self.message, self.status)


def find(reference: str, account: str, region: str):
    """Resolves an ARN, ID or alias as that account does: the key's record, or None, and its owner."""
    owner = account
    if reference.startswith("arn:"):
        parts = reference.split(":", 5)
        if len(parts) < 6 or parts[2] != "kms" or parts[3] != region:
            return None, account
        owner, reference = parts[4], parts[5].removeprefix("key/")
    if reference.startswith("alias/"):
        arn = f"arn:aws:kms:{region}:{owner}:{reference}"
        reference = kms._aliases.get_scoped(owner, region, arn) or ""
    return kms._keys.get_scoped(owner, region, reference), owner


def key_of_ciphertext(blob: bytes, region: str) -> str:
    """The ARN of the key that encrypted a ciphertext, in any account: the blob starts with its ID."""
    key_id = blob[:36].decode("ascii", errors="ignore")
    for record in list(kms._keys._data.values()):
        if record.get("KeyId") == key_id and f":{region}:" in record["Arn"]:
            return record["Arn"]
    raise KmsError("InvalidCiphertextException", "")


def authorize(principal, action: str, reference: str, region: str, context: dict | None = None, via: str | None = None):
    """The key's record, if the principal is allowed the action and the key's state allows it."""
    record, owner = find(reference, principal.account, region)
    if record is None:
        raise missing(principal, action, reference, owner, region)
    conditions = {f"kms:EncryptionContext:{name}": value for name, value in (context or {}).items()}
    if context:
        conditions["kms:EncryptionContextKeys"] = list(context)
    conditions["kms:CallerAccount"] = principal.account
    if "alias/" in reference:
        conditions["kms:RequestAlias"] = reference[reference.index("alias/"):]
    if via:
        conditions |= {"kms:ViaService": via, "aws:CalledVia": [via.split(".")[0] + ".amazonaws.com"]}
    denied = policies.decide(principal, action, record["Arn"], record.get("Policy") or "", owner, conditions, required=True)
    if denied:
        if denied.by_resource and owner != principal.account:
            denied.reason = UNREACHABLE
        raise KmsError("AccessDeniedException", denied.message())
    if action in IN_EVERY_STATE:
        return record, owner
    if record["KeyState"] == "Disabled":
        raise KmsError("DisabledException", f"{record['Arn']} is disabled.")
    if record["KeyState"] != "Enabled":
        state = {"PendingImport": "pending import", "Unavailable": "unavailable"}.get(record["KeyState"], "pending deletion")
        raise KmsError("KMSInvalidStateException", f"{record['Arn']} is {state}.")
    if objection := key_kinds.objection(record, action):
        raise KmsError("InvalidKeyUsageException", objection)
    return record, owner


def missing(principal, action, reference, owner, region) -> KmsError:
    """The error of a key that does not exist."""
    if owner != principal.account:
        return KmsError("AccessDeniedException", (
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {reference} {UNREACHABLE}"))
    name = reference.split(":", 5)[-1]
    if reference.startswith("arn:") and reference.split(":")[3] != region:
        return KmsError("NotFoundException", f"Invalid arn {region}")
    if name.startswith("alias/"):
        return KmsError("NotFoundException", f"Alias arn:aws:kms:{region}:{owner}:{name} is not found.")
    if not KEY_ID.fullmatch(name.removeprefix("key/")):
        return KmsError("NotFoundException", f"Invalid keyId {reference}")
    return KmsError("NotFoundException", f"Key 'arn:aws:kms:{region}:{owner}:key/{name.removeprefix('key/')}' does not exist")


def in_account(owner: str, handler, data):
    """Runs a handler as the key's owner, whose account has its state."""
    caller = get_account_id()
    set_request_account_id(owner)
    try:
        return handler(data)
    finally:
        set_request_account_id(caller)


def perform(action: str, data: dict, principal):
    region = get_region()
    context = data.get("EncryptionContext") or {}
    reference = data.get("KeyId") or ""
    if action == "Decrypt":
        encrypted_by = key_of_ciphertext(base64.b64decode(data.get("CiphertextBlob", "")), region)
        if reference:
            record, _ = find(reference, principal.account, region)
            if record is not None and record["Arn"] != encrypted_by:
                raise KmsError("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
        reference = reference or encrypted_by
    record, owner = authorize(principal, f"kms:{action}", reference, region, context)
    if data.get("DryRun"):
        raise dry_run()
    return in_account(owner, HANDLERS[action], {**data, "KeyId": record["Arn"]})


def reencrypt(data: dict, principal):
    region = get_region()
    source = key_of_ciphertext(base64.b64decode(data.get("CiphertextBlob", "")), region)
    source_context = data.get("SourceEncryptionContext") or {}
    target_context = data.get("DestinationEncryptionContext") or {}
    if data.get("SourceKeyId"):
        named, _ = find(data["SourceKeyId"], principal.account, region)
        if named is not None and named["Arn"] != source:
            raise KmsError("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
    from_key, from_owner = authorize(principal, "kms:ReEncryptFrom", source, region, source_context)
    to_key, to_owner = authorize(principal, "kms:ReEncryptTo", data["DestinationKeyId"], region, target_context)
    if data.get("DryRun"):
        raise dry_run()
    status, _, body = opened = in_account(from_owner, kms._decrypt, {
        "CiphertextBlob": data["CiphertextBlob"], "KeyId": from_key["Arn"], "EncryptionContext": source_context})
    if status != 200:
        return opened
    _, _, closed = in_account(to_owner, kms._encrypt, {
        "Plaintext": json.loads(body)["Plaintext"], "KeyId": to_key["Arn"], "EncryptionContext": target_context})
    return json_response({
        "CiphertextBlob": json.loads(closed)["CiphertextBlob"], "SourceKeyId": from_key["Arn"], "KeyId": to_key["Arn"],
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT"})


def dry_run() -> KmsError:
    return KmsError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.", 412)


async def handle_request(method, path, headers, body, query_params):
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if f"kms:{action}" not in policies.KMS_CROSS_ACCOUNT_ACTIONS:
        return await original_handle(method, path, headers, body, query_params)
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return error_response_json("SerializationException", "Invalid JSON", 400)
    principal = policies.caller_of(headers, query_params)
    if principal is None:
        return error_response_json("UnrecognizedClientException", "The security token included in the request is invalid.", 400)
    try:
        return reencrypt(data, principal) if action == "ReEncrypt" else perform(action, data, principal)
    except KmsError as error:
        return error.response()


def managed_key(account: str, region: str) -> str:
    """The account's `aws/s3` key, created on first use. Its policy allows only that account."""
    alias = f"arn:aws:kms:{region}:{account}:alias/aws/s3"
    key_id = kms._aliases.get_scoped(account, region, alias)
    if key_id is None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*",
            "Condition": {"StringEquals": {"kms:CallerAccount": account, "kms:ViaService": f"s3.{region}.amazonaws.com"}}}]})
        _, _, body = in_account(account, kms._create_key, {"Description": "Default key for S3", "Policy": policy})
        key_id = json.loads(body)["KeyMetadata"]["KeyId"]
        kms._keys.get_scoped(account, region, key_id)["KeyManager"] = "AWS"
        kms._aliases.set_scoped(account, region, alias, key_id)
    return kms._keys.get_scoped(account, region, key_id)["Arn"]


def through_s3(principal, action: str, key: str, region: str, resource: str, context: dict):
    """The error of S3 when KMS denies the caller, or None. Other errors of the key become `KMS.…`.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    try:
        authorize(principal, action, key, region, context, via=f"s3.{region}.amazonaws.com")
    except KmsError as error:
        if error.code == "AccessDeniedException":
            return s3._error("AccessDenied", error.message, 403, resource)
        return s3._error(f"KMS.{error.code}", error.message, 400, resource)
    return None


def install():
    global original_handle
    original_handle, kms.handle_request = kms.handle_request, handle_request
