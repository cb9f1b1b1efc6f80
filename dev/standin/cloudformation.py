"""CloudFormation: `BucketEncryption` of `AWS::S3::Bucket`; rejects the policies that S3 and IAM reject; does not overwrite an
existing bucket policy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-bucketencryption.html
"""

import json
from xml.sax.saxutils import escape

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from .principals import unknown_principal


def encryption_xml(configuration: dict) -> bytes:
    rules = ""
    for rule in configuration.get("ServerSideEncryptionConfiguration", []):
        default = rule.get("ServerSideEncryptionByDefault", {})
        key = default.get("KMSMasterKeyID")
        key = f"<KMSMasterKeyID>{escape(key)}</KMSMasterKeyID>" if key else ""
        types = "".join(f"<EncryptionType>{escape(kind)}</EncryptionType>" for kind in rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", []))
        blocked = f"<BlockedEncryptionTypes>{types}</BlockedEncryptionTypes>" if types else ""
        enabled = str(rule.get("BucketKeyEnabled", False)).lower()
        rules += (f"<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{escape(default.get('SSEAlgorithm', 'AES256'))}"
                  f"</SSEAlgorithm>{key}</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{enabled}</BucketKeyEnabled>{blocked}</Rule>")
    return f'<ServerSideEncryptionConfiguration xmlns="{s3.S3_NS}">{rules}</ServerSideEncryptionConfiguration>'.encode()


def create_bucket(logical_id, props, stack_name):
    created = originals["AWS::S3::Bucket"](logical_id, props, stack_name)
    if props.get("BucketEncryption"):
        s3._put_bucket_encryption(created[0], encryption_xml(props["BucketEncryption"]))
    return created


def create_role(logical_id, props, stack_name):
    reject_unknown_principal(props.get("AssumeRolePolicyDocument"))
    return originals["AWS::IAM::Role"](logical_id, props, stack_name)


def create_bucket_policy(logical_id, props, stack_name):
    bucket = props.get("Bucket", "")
    if bucket not in s3._buckets:
        raise ValueError("The specified bucket does not exist")
    if s3._bucket_policies.get(bucket):
        raise ValueError(f"The bucket policy already exists on bucket {bucket}.")
    reject_unknown_principal(props.get("PolicyDocument"))
    return originals["AWS::S3::BucketPolicy"](logical_id, props, stack_name)


def reject_unknown_principal(document):
    arn = unknown_principal(document if isinstance(document, str) else json.dumps(document))
    if arn:
        raise ValueError(f'Invalid principal in policy: "AWS":"{arn}"')


CREATE = {"AWS::IAM::Role": create_role, "AWS::S3::Bucket": create_bucket, "AWS::S3::BucketPolicy": create_bucket_policy}
originals = {}


def install():
    for table in (value for value in vars(provisioners).values() if isinstance(value, dict)):
        for kind, create in CREATE.items():
            entry = table.get(kind)
            if isinstance(entry, dict) and callable(entry.get("create")) and kind not in originals:
                originals[kind], entry["create"] = entry["create"], create
