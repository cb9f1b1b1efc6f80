"""CloudFormation: `BucketEncryption` of `AWS::S3::Bucket`.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-bucketencryption.html
"""

from xml.sax.saxutils import escape

from ministack.services import s3
from ministack.services.cloudformation import provisioners


def encryption_xml(configuration: dict) -> bytes:
    rules = ""
    for rule in configuration.get("ServerSideEncryptionConfiguration", []):
        default = rule.get("ServerSideEncryptionByDefault", {})
        key = default.get("KMSMasterKeyID")
        key = f"<KMSMasterKeyID>{escape(key)}</KMSMasterKeyID>" if key else ""
        enabled = str(rule.get("BucketKeyEnabled", False)).lower()
        rules += (f"<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>{escape(default.get('SSEAlgorithm', 'AES256'))}"
                  f"</SSEAlgorithm>{key}</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{enabled}</BucketKeyEnabled></Rule>")
    return f'<ServerSideEncryptionConfiguration xmlns="{s3.S3_NS}">{rules}</ServerSideEncryptionConfiguration>'.encode()


def create_bucket(logical_id, props, stack_name):
    created = original_create(logical_id, props, stack_name)
    if props.get("BucketEncryption"):
        s3._put_bucket_encryption(created[0], encryption_xml(props["BucketEncryption"]))
    return created


def install():
    global original_create
    original_create, provisioners._s3_create = provisioners._s3_create, create_bucket
    for table in (value for value in vars(provisioners).values() if isinstance(value, dict)):
        entry = table.get("AWS::S3::Bucket")
        if isinstance(entry, dict) and entry.get("create") is original_create:
            entry["create"] = create_bucket
