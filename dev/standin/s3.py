"""S3: checks the expected owner, asks KMS, refuses KMS to requests without credentials, and hides missing objects from callers
without ListBucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
"""

from ministack.core.responses import get_account_id
from ministack.services import s3

from . import deletion, encryption, object_lock, ownership, policies
from .encryption import ALGORITHM, KEY, WITH_KMS

# A bucket with this suffix can be created and is then throttled.
THROTTLED = "-throttled"
SUBRESOURCES = {"tagging", "acl", "retention", "legal-hold", "annotation"}


def apply_bucket_scope(method, bucket, key, headers, query_params, body=b"", internal=False):
    owner = s3._bucket_owner_account(bucket) if bucket else None
    caller = policies.caller_of(headers, query_params)
    denied = original_scope(method, bucket, key, headers, query_params, body, internal)
    if owner and bucket.endswith(THROTTLED) and (key or method != "PUT"):
        denied = s3._error("SlowDown", "Please reduce your request rate.", 503, f"/{bucket}")
    expected = headers.get("x-amz-expected-bucket-owner")
    if denied is None and owner and expected and expected != owner:
        denied = s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")
    if denied is None and owner and not internal:
        denied = ownership.unpaid(caller and caller.account, owner, bucket, headers)
    if denied is not None and owner:
        status, answer, text = denied
        record = s3._buckets.get_scoped(owner, None, bucket)
        answer.setdefault("x-amz-bucket-region", record.get("region") or "us-east-1")
        denied = status, answer, b"" if method == "HEAD" else text
    return denied


def dispatch(method, bucket, key, headers, body, query_params):
    principal = policies.caller_of(headers, query_params)
    if method == "GET" and not key and "requestPayment" in query_params:
        return s3._get_bucket_request_payment(bucket)
    if principal is None:
        error = needs_signature(method, bucket, key, headers, query_params) if key else None
        return error or original_dispatch(method, bucket, key, headers, body, query_params)
    if method == "POST" and not key and "delete" in query_params and bucket in s3._buckets:
        return deletion.delete_objects(principal, bucket, headers, body, query_params, original_dispatch)
    error = object_lock.without_mfa(principal, method, bucket, key, headers, body, query_params)
    if error is not None:
        return error
    if not key:
        answer = original_dispatch(method, bucket, key, headers, body, query_params)
    else:
        answer = dispatch_object(principal, method, bucket, key, headers, body, query_params)
    answer[1].update(ownership.charged(principal.account, get_account_id(), bucket))
    return answer


def dispatch_object(principal, method, bucket, key, headers, body, query_params):
    if is_write(method, query_params):
        headers, error = encryption.encrypted(principal, bucket, key, headers)
        if error is not None:
            return error
    if "uploadId" in query_params and method in ("PUT", "POST"):
        # S3 decrypts the upload's data key for every part, and the parts when it assembles them.
        upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId")) or {}
        error = encryption.undecryptable(principal, bucket, key, upload.get("preserved_headers", {}))
        if error is not None:
            return error
    if method in ("GET", "HEAD") and "uploadId" not in query_params:
        error = ownership.unreadable(principal, bucket, key)
        if error is None and not query_params.keys() & SUBRESOURCES:
            error = unreadable(principal, method, bucket, key)
        if error is not None:
            return error
    status, answer, text = original_dispatch(method, bucket, key, headers, body, query_params)
    if b"ObjectAlreadyInActiveTierError" in text:
        return s3._error("InvalidObjectState", "Restore is not allowed for the object's current storage class.", 403, f"/{bucket}/{key}")
    if method in ("GET", "HEAD"):
        object_lock.hide(principal, bucket, key, answer)
    if is_write(method, query_params) and status == 200:
        answer.update({name: headers[name] for name in (ALGORITHM, KEY) if name in headers})
        ownership.remember_writer(principal, bucket, key, headers)
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
    if algorithm not in WITH_KMS:
        return None
    return s3._error("InvalidArgument", (
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."), 400, f"/{bucket}/{key}")


def is_write(method, query_params) -> bool:
    """Requests that create an object: a put, a copy, the start of a multipart upload."""
    if method == "PUT":
        return not query_params.keys() & {"partNumber", "uploadId", *SUBRESOURCES}
    return method == "POST" and "uploads" in query_params


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
    if method == "HEAD" or not stored:
        return None
    return encryption.undecryptable(principal, bucket, key, stored.get("preserved_headers", {}))


def install():
    global original_scope, original_dispatch
    original_scope, s3._apply_bucket_scope = s3._apply_bucket_scope, apply_bucket_scope
    original_dispatch, s3._dispatch = s3._dispatch, dispatch
