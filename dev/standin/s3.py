"""S3: uses KMS with the caller's identity, checks the expected owner, refuses KMS to requests without credentials, and hides
missing objects from callers without ListBucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from . import kms, policies

ALGORITHM = "x-amz-server-side-encryption"
KEY = "x-amz-server-side-encryption-aws-kms-key-id"
# A bucket with this suffix can be created and is then throttled.
THROTTLED = "-throttled"


def apply_bucket_scope(method, bucket, key, headers, query_params, body=b"", internal=False):
    owner = s3._bucket_owner_account(bucket) if bucket else None
    denied = original_scope(method, bucket, key, headers, query_params, body, internal)
    if owner and bucket.endswith(THROTTLED) and (key or method != "PUT"):
        denied = s3._error("SlowDown", "Please reduce your request rate.", 503, f"/{bucket}")
    expected = headers.get("x-amz-expected-bucket-owner")
    if denied is None and owner and expected and expected != owner:
        denied = s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")
    if denied is not None and owner:
        status, answer, text = denied
        record = s3._buckets.get_scoped(owner, None, bucket)
        answer.setdefault("x-amz-bucket-region", record.get("region") or "us-east-1")
        denied = status, answer, b"" if method == "HEAD" else text
    return denied


def dispatch(method, bucket, key, headers, body, query_params):
    principal = policies.caller_of(headers, query_params)
    if not key or principal is None:
        error = needs_signature(method, bucket, key, headers, query_params) if key else None
        return error or original_dispatch(method, bucket, key, headers, body, query_params)
    if is_write(method, query_params):
        headers, error = encrypted(principal, bucket, key, headers)
        if error is not None:
            return error
    if method in ("GET", "HEAD") and not query_params.keys() & {"tagging", "acl", "uploadId", "retention", "legal-hold"}:
        error = unreadable(principal, method, bucket, key)
        if error is not None:
            return error
    status, answer, text = original_dispatch(method, bucket, key, headers, body, query_params)
    if b"ObjectAlreadyInActiveTierError" in text:
        return s3._error("InvalidObjectState", "Restore is not allowed for the object's current storage class.", 403, f"/{bucket}/{key}")
    if is_write(method, query_params) and status == 200:
        answer.update({name: headers[name] for name in (ALGORITHM, KEY) if name in headers})
    return status, answer, text


def needs_signature(method, bucket, key, headers, query_params):
    """The error of a request without credentials, which S3 has authorized, where KMS would have to be used.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    record = s3._buckets.get(bucket)
    if record is None:
        return None
    if is_write(method, query_params):
        algorithm = headers.get(ALGORITHM) or dict(s3._bucket_default_sse_headers(bucket)).get(ALGORITHM)
    elif method == "GET":
        stored = record["objects"].get(key) or {}
        algorithm = "aws:kms" if stored.get("preserved_headers", {}).get(KEY) else None
    else:
        return None
    if algorithm not in ("aws:kms", "aws:kms:dsse"):
        return None
    return s3._error("InvalidArgument", (
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."), 400, f"/{bucket}/{key}")


def is_write(method, query_params) -> bool:
    """Requests that create an object: a put, a copy, the start of a multipart upload."""
    if method == "PUT":
        return not query_params.keys() & {"partNumber", "uploadId", "tagging", "acl", "retention", "legal-hold", "annotation"}
    return method == "POST" and "uploads" in query_params


def encrypted(principal, bucket, key, headers):
    """The headers with the effective encryption, and the error if the caller may not use its key."""
    wanted = {name: headers[name] for name in (ALGORITHM, KEY) if headers.get(name)}
    if "x-amz-server-side-encryption-customer-algorithm" in headers:
        return headers, None
    if ALGORITHM not in wanted:
        wanted = dict(s3._bucket_default_sse_headers(bucket)) or {ALGORITHM: "AES256"}
    if wanted[ALGORITHM] in ("aws:kms", "aws:kms:dsse"):
        region = get_region()
        # An ID or alias refers to the caller's account, not to the bucket's.
        reference = wanted.get(KEY) or kms.managed_key(principal.account, region)
        error = kms.through_s3(principal, "kms:GenerateDataKey", reference, region, f"/{bucket}/{key}")
        if error is not None:
            return headers, error
        wanted[KEY] = kms.find(reference, principal.account, region)[0]["Arn"]
    return {**headers, **wanted}, None


def unreadable(principal, method, bucket, key):
    """The error of a read that the object's key denies, or of a missing object whose absence is hidden."""
    record = s3._buckets.get(bucket)
    stored = record["objects"].get(key) if record else None
    if record is not None and stored is None:
        resource, owner = f"arn:aws:s3:::{bucket}", get_account_id()
        policy = s3._bucket_policies.get_scoped(owner, None, bucket) or ""
        if policies.decide(principal, "s3:ListBucket", resource, policy, owner):
            return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
        return None
    reference = (stored or {}).get("preserved_headers", {}).get(KEY)
    if method == "HEAD" or not reference:
        return None
    return kms.through_s3(principal, "kms:Decrypt", reference, get_region(), f"/{bucket}/{key}")


def install():
    global original_scope, original_dispatch
    original_scope, s3._apply_bucket_scope = s3._apply_bucket_scope, apply_bucket_scope
    original_dispatch, s3._dispatch = s3._dispatch, dispatch
