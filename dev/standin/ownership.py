"""Who owns an object, and who pays for a request: Object Ownership and Requester Pays.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html
"""

from ministack.core.responses import get_account_id
from ministack.services import s3

OWNER, ACL = "_written_by", "_written_with_acl"
PAYS = "x-amz-request-payer"


def remember_writer(principal, bucket, key, headers):
    """Notes the account that owns an object just written by another account than the bucket's."""
    record = s3._buckets.get(bucket)
    stored = (record or {"objects": {}})["objects"].get(key)
    if stored is None or principal.account == get_account_id() or s3._bucket_owner_enforced(record):
        return
    acl = headers.get("x-amz-acl")
    is_preferred = "BucketOwnerPreferred" in (record.get("_ownership_controls") or "")
    if not (is_preferred and acl == "bucket-owner-full-control"):
        stored[OWNER], stored[ACL] = principal.account, acl


def unreadable(principal, bucket, key):
    """The error of a read of an object that another account owns: the bucket's owner needs its ACL. A bucket policy does not apply to it."""
    stored = (s3._buckets.get(bucket) or {"objects": {}})["objects"].get(key) or {}
    writer = stored.get(OWNER)
    if writer in (None, principal.account):
        return None
    if principal.account == get_account_id() and stored.get(ACL) in ("bucket-owner-full-control", "bucket-owner-read"):
        return None
    return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")


def requester_pays(owner, bucket) -> bool:
    return "<Payer>Requester</Payer>" in (s3._bucket_request_payment_config.get_scoped(owner, None, bucket) or "")


def unpaid(caller, owner, bucket, headers):
    """The error of another account, or of nobody, that does not agree to pay."""
    if caller == owner or not requester_pays(owner, bucket) or (caller and headers.get(PAYS) == "requester"):
        return None
    return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")


def charged(caller, owner, bucket) -> dict:
    return {"x-amz-request-charged": "requester"} if caller not in (None, owner) and requester_pays(owner, bucket) else {}
