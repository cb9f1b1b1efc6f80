"""S3's encryption of objects: SSE-KMS and DSSE-KMS with the caller's permissions, S3 Bucket Keys, and blocked encryption types.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingDSSEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
"""

import re

from ministack.core.responses import get_region
from ministack.services import s3

from . import kms

ALGORITHM = "x-amz-server-side-encryption"
KEY = "x-amz-server-side-encryption-aws-kms-key-id"
BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled"
CUSTOMER = "x-amz-server-side-encryption-customer-algorithm"
DSSE = "aws:kms:dsse"
WITH_KMS = ("aws:kms", DSSE)
ELEMENT = re.compile(r"<(?:\w+:)?(SSEAlgorithm|KMSMasterKeyID|BucketKeyEnabled|EncryptionType)>\s*([^<]*?)\s*</")


def settings(configuration: str) -> dict:
    """The values of an encryption configuration, by element."""
    found = {}
    for name, value in ELEMENT.findall(configuration):
        found.setdefault(name, []).append(value)
    return found


def of_bucket(bucket) -> dict:
    return settings(s3._bucket_encryption.get(bucket) or "")


def default_headers(bucket):
    """The headers that the bucket's default encryption amounts to."""
    found = of_bucket(bucket)
    headers = dict(original_default_headers(bucket))
    if headers.get(ALGORITHM) in WITH_KMS and found.get("KMSMasterKeyID"):
        headers[KEY] = found["KMSMasterKeyID"][0]
    return headers


def blocked(bucket) -> set:
    """The encryption types that a put may not ask for. SSE-C is one of them, unless the bucket allows it."""
    return set(of_bucket(bucket).get("EncryptionType", ["SSE-C"])) - {"NONE"}


def context(bucket, key, with_bucket_key) -> dict:
    """The encryption context that S3 passes to KMS."""
    return {"aws:s3:arn": f"arn:aws:s3:::{bucket}" if with_bucket_key else f"arn:aws:s3:::{bucket}/{key}"}


def encrypted(principal, bucket, key, headers):
    """The headers with the effective encryption, and the error if the caller may not use it."""
    if CUSTOMER in headers:
        if "SSE-C" in blocked(bucket):
            return headers, s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
        return headers, None
    wanted = {name: headers[name] for name in (ALGORITHM, KEY) if headers.get(name)}
    if ALGORITHM not in wanted:
        wanted = default_headers(bucket) or {ALGORITHM: "AES256"}
    if wanted[ALGORITHM] in WITH_KMS:
        region = get_region()
        by_default = of_bucket(bucket).get("BucketKeyEnabled", ["false"])[0]
        with_bucket_key = wanted[ALGORITHM] != DSSE and headers.get(BUCKET_KEY, by_default).lower() == "true"
        # An ID or alias refers to the caller's account, not to the bucket's.
        reference = wanted.get(KEY) or kms.managed_key(principal.account, region)
        error = kms.through_s3(
            principal, "kms:GenerateDataKey", reference, region, f"/{bucket}/{key}", context(bucket, key, with_bucket_key))
        if error is not None:
            return headers, error
        wanted[KEY] = kms.find(reference, principal.account, region)[0]["Arn"]
        headers = {name: value for name, value in headers.items() if name != BUCKET_KEY}
        if with_bucket_key:
            wanted[BUCKET_KEY] = "true"
    return {**headers, **wanted}, None


def undecryptable(principal, bucket, key, stored: dict):
    """The error of a caller who may not decrypt what is stored with these headers, or None."""
    if not stored.get(KEY):
        return None
    with_bucket_key = stored.get(BUCKET_KEY) == "true"
    return kms.through_s3(
        principal, "kms:Decrypt", stored[KEY], get_region(), f"/{bucket}/{key}", context(bucket, key, with_bucket_key))


def resolve_write_headers(headers, bucket):
    """MiniStack knows neither DSSE nor Bucket Keys."""
    algorithm = headers.get(ALGORITHM)
    if algorithm == DSSE:
        headers = {**headers, ALGORITHM: "aws:kms"}
    resolved, error = original_resolve(headers, bucket)
    if error is None and algorithm == DSSE:
        resolved[ALGORITHM] = DSSE
    if error is None and algorithm == "aws:kms" and headers.get(BUCKET_KEY) == "true":
        resolved[BUCKET_KEY] = "true"
    return resolved, error


def put_bucket_encryption(name, body):
    found = settings(body.decode("utf-8", errors="replace"))
    if set(found.get("EncryptionType", [])) - {"NONE", "SSE-C"}:
        return s3._error("MalformedXML", s3._MALFORMED_XML, 400)
    if found.get("KMSMasterKeyID") and found.get("SSEAlgorithm", ["AES256"])[0] not in WITH_KMS:
        return s3._error("InvalidArgument", (
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"), 400)
    return original_put(name, body)


def get_bucket_encryption(name):
    status, headers, body = original_get(name)
    if status == 200 and not settings(body).get("EncryptionType"):
        blocking = "<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>"
        body = re.sub(r"</((?:\w+:)?Rule)>", rf"{blocking}</\1>", body)
    return status, headers, body


def install():
    global original_default_headers, original_resolve, original_put, original_get
    original_default_headers, s3._bucket_default_sse_headers = s3._bucket_default_sse_headers, default_headers
    original_resolve, s3._resolve_sse_write_headers = s3._resolve_sse_write_headers, resolve_write_headers
    original_put, s3._put_bucket_encryption = s3._put_bucket_encryption, put_bucket_encryption
    original_get, s3._get_bucket_encryption = s3._get_bucket_encryption, get_bucket_encryption
