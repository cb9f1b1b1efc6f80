"""Multipart uploads: the least size of a part.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

import re

from ministack.services import s3

SMALLEST_PART = 5 << 20
PART_NUMBER = re.compile(rb"<(?:\w+:)?PartNumber>(\d+)</")


def complete(bucket, key, body, query_params, headers=None):
    parts = (s3._multipart_uploads.get(s3._qp(query_params, "uploadId")) or {}).get("parts", {})
    sizes = [parts[int(number)]["size"] for number in PART_NUMBER.findall(body) if int(number) in parts]
    if any(size < SMALLEST_PART for size in sizes[:-1]):
        return s3._error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400, f"/{bucket}/{key}")
    return original_complete(bucket, key, body, query_params, headers)


def install():
    global original_complete
    original_complete, s3._complete_multipart_upload = s3._complete_multipart_upload, complete
