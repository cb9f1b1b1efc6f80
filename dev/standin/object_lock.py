"""Object Lock: puts need a checksum, and versioning stays on. Also the other settings that keep a bucket's versioning as it is.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
"""

from ministack.services import s3


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


def install():
    global original_put, original_versioning
    original_put, s3._put_object = s3._put_object, put_object
    original_versioning, s3._put_bucket_versioning = s3._put_bucket_versioning, put_bucket_versioning
