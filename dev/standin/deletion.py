"""`DeleteObjects`: each key is authorized by itself, and those that are denied are errors in a response with the status 200.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
"""

import re
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from ministack.core import iam_actions
from ministack.core.responses import get_account_id
from ministack.services import s3

from . import policies

NAMESPACE = re.compile(r"^\{.*\}")


def denials(principal, bucket, body, headers) -> dict:
    """The denied keys and versions, and why."""
    owner = get_account_id()
    policy = s3._bucket_policies.get_scoped(owner, None, bucket) or ""
    bypass = headers.get("x-amz-bypass-governance-retention", "").lower() == "true"
    denied = {}
    for resource, version in iam_actions._s3_batch_delete_targets(bucket, body):
        actions = ["s3:DeleteObjectVersion" if version else "s3:DeleteObject", *(["s3:BypassGovernanceRetention"] if bypass else [])]
        for action in actions:
            denial = policies.decide(principal, action, resource, policy, owner) if principal.policies is not None else (
                policies.guarded(principal, action, resource, owner))
            if denial:
                denied.setdefault((resource.removeprefix(f"arn:aws:s3:::{bucket}/"), version), denial)
    return denied


def delete_objects(principal, bucket, headers, body, query_params, dispatch):
    denied = denials(principal, bucket, body, headers)
    if not denied:
        return dispatch("POST", bucket, "", headers, body, query_params)
    request = fromstring(body)
    for entry in list(request):
        if NAMESPACE.sub("", entry.tag) == "Object":
            values = {NAMESPACE.sub("", child.tag): child.text or "" for child in entry}
            if (values.get("Key"), values.get("VersionId", "")) in denied:
                request.remove(entry)
    status, answer, text = dispatch("POST", bucket, "", headers, tostring(request), query_params)
    if status != 200:
        return status, answer, text
    result = fromstring(text)
    for (key, version), denial in denied.items():
        error = Element("Error")
        SubElement(error, "Key").text = key
        if version:
            SubElement(error, "VersionId").text = version
        SubElement(error, "Code").text = "AccessDenied"
        SubElement(error, "Message").text = denial.message_of_s3()
        result.append(error)
    for element in result.iter():
        element.tag = NAMESPACE.sub("", element.tag)
    result.set("xmlns", s3.S3_NS)
    return status, answer, tostring(result)
