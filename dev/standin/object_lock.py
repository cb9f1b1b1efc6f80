"""What keeps versions: Object Lock, replication and MFA delete. Puts need a checksum where new objects are retained.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html
"""

import re

from ministack.core.responses import get_account_id
from ministack.services import s3

from . import policies
from .encryption import ALGORITHM, WITH_KMS

# Buckets in which only the root user with an MFA device may delete versions and change the versioning.
MFA_DELETE = set()
# Shown to callers with this permission alone.
SHOWN_WITH = {
    "x-amz-object-lock-mode": "s3:GetObjectRetention",
    "x-amz-object-lock-retain-until-date": "s3:GetObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:GetObjectLegalHold",
}
NEEDS_MFA = "Mfa Authentication must be used for this request"


def put_object(bucket, key, body, headers):
    locked = (s3._bucket_object_lock.get(bucket) or {}).get("default_retention") or any(headers.get(name) for name in s3._OBJECT_LOCK_HEADERS)
    has_checksum = "content-md5" in headers or any(name.startswith("x-amz-checksum-") for name in headers) or "x-amz-trailer" in headers
    if bucket in s3._buckets and locked and not has_checksum:
        return s3._error("InvalidRequest", (
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"), 400,
            f"/{bucket}/{key}")
    return original_put(bucket, key, body, headers)


def put_bucket_versioning(name, body):
    if name in s3._buckets and b"<Status>Enabled</Status>" not in body:
        if s3._bucket_object_lock.get(name):
            return s3._error("InvalidBucketState", (
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."), 409, f"/{name}")
        if s3._bucket_replication.get(name):
            return s3._error("InvalidBucketState", (
                "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the "
                "versioning state, first delete the replication configuration."), 409, f"/{name}")
    return original_versioning(name, body)


def without_mfa(principal, method, bucket, key, headers, body, query_params):
    """The error of a request that an MFA device has to confirm. Follows the setting, too, which only the root user can change."""
    changes = method == "PUT" and not key and "versioning" in query_params
    setting = re.search(rb"<MfaDelete>(\w+)</MfaDelete>", body) if changes else None
    has_mfa = len(headers.get("x-amz-mfa", "").split()) == 2 and principal.arn.endswith(":root")
    needs_mfa = setting or bucket in MFA_DELETE and (changes or method == "DELETE" and key and "versionId" in query_params)
    if needs_mfa and not has_mfa:
        return s3._error("AccessDenied", NEEDS_MFA, 403, f"/{bucket}/{key}" if key else f"/{bucket}")
    if setting:
        (MFA_DELETE.add if setting[1] == b"Enabled" else MFA_DELETE.discard)(bucket)
    return None


def hide(principal, bucket, key, headers):
    """Removes the headers that the caller may not see."""
    resource, owner = f"arn:aws:s3:::{bucket}/{key}", get_account_id()
    policy = s3._bucket_policies.get_scoped(owner, None, bucket) or ""
    for name, action in SHOWN_WITH.items():
        if name in headers and policies.decide(principal, action, resource, policy, owner):
            del headers[name]


def maybe_replicate(bucket_name, key, obj, data, tags=None):
    """Objects that are encrypted with KMS are replicated only if the rule says so."""
    rule, _ = s3._replication_rule_for(bucket_name, key, tags)
    with_kms = obj.get("preserved_headers", {}).get(ALGORITHM) in WITH_KMS
    selected = ((rule or {}).get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}
    if not with_kms or selected.get("Status") == "Enabled":
        original_replicate(bucket_name, key, obj, data, tags)


def install():
    global original_put, original_versioning, original_replicate
    original_put, s3._put_object = s3._put_object, put_object
    original_versioning, s3._put_bucket_versioning = s3._put_bucket_versioning, put_bucket_versioning
    original_replicate, s3._maybe_replicate = s3._maybe_replicate, maybe_replicate
