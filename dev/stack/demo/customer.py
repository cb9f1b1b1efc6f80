"""A customer: an AWS account in the stand-in with a bucket and a key, to which the issued documents are applied."""

import json

from stack import aws, postgres

PROBE_PREFIX = "latchkey-probe/"
# Two rejections count only if they are this far apart: see DEGRADED_AFTER in src/domain/tenant.rs.
BACKDATE = """
update active_configs set activated_at = activated_at - interval '61 s', verified_at = verified_at - interval '61 s'
where tenant_id = :'id';
update verifications set created_at = created_at - interval '61 s', started_at = started_at - interval '61 s',
    finished_at = finished_at - interval '61 s'
where tenant_id = :'id';
"""


class Customer:
    def __init__(self, account, slug, endpoint, region):
        self.account = account
        self.region = region
        self.role_name = f"{slug}-documents"
        self.bucket = f"{slug}-documents"
        self.key_arn = None
        self.iam, self.s3, self.kms = (aws.client(service, endpoint, region, key=account) for service in ("iam", "s3", "kms"))

    def create_bucket_and_key(self):
        """What a customer already has."""
        self.key_arn = self.kms.create_key(Description="documents")["KeyMetadata"]["Arn"]
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self.region}} if self.region != "us-east-1" else {}
        self.s3.create_bucket(Bucket=self.bucket, **elsewhere)

    @property
    def bucket_arn(self):
        return f"arn:aws:s3:::{self.bucket}"

    @property
    def role_arn(self):
        return f"arn:aws:iam::{self.account}:role/{self.role_name}"

    def apply(self, document, body):
        """Applies an issued document unchanged."""
        match document:
            case "trust-policy":
                self.iam.create_role(RoleName=self.role_name, AssumeRolePolicyDocument=json.dumps(body))
            case "role-permissions":
                self.write(document, body)
            case "key-policy":
                self.add_statement(document, body)
            case "bucket-policy":
                self.write(document, body)
            case "bucket-encryption":
                self.s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration=body)
            case _:
                raise ValueError(f"cannot apply a document {document!r}")

    def add_statement(self, document, statement):
        """Adds a statement to a document, or replaces the one with the same Sid."""
        policy = self.read(document)
        sids = [current.get("Sid") for current in policy["Statement"]]
        if statement.get("Sid") in sids:
            policy["Statement"][sids.index(statement["Sid"])] = statement
        else:
            policy["Statement"].append(statement)
        self.write(document, policy)

    def read(self, document):
        match document:
            case "trust-policy":
                return self.iam.get_role(RoleName=self.role_name)["Role"]["AssumeRolePolicyDocument"]
            case "role-permissions":
                return self.iam.get_role_policy(RoleName=self.role_name, PolicyName="latchkey")["PolicyDocument"]
            case "key-policy":
                return json.loads(self.kms.get_key_policy(KeyId=self.key_arn, PolicyName="default")["Policy"])
            case "bucket-policy":
                return json.loads(self.s3.get_bucket_policy(Bucket=self.bucket)["Policy"])
        raise ValueError(f"{document!r} has no statements")

    def write(self, document, policy):
        text = json.dumps(policy)
        match document:
            case "trust-policy":
                self.iam.update_assume_role_policy(RoleName=self.role_name, PolicyDocument=text)
            case "role-permissions":
                self.iam.put_role_policy(RoleName=self.role_name, PolicyName="latchkey", PolicyDocument=text)
            case "key-policy":
                self.kms.put_key_policy(KeyId=self.key_arn, PolicyName="default", Policy=text)
            case "bucket-policy":
                self.s3.put_bucket_policy(Bucket=self.bucket, Policy=text)

    def probe_objects(self):
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=PROBE_PREFIX)
        return [entry["Key"] for entry in listed.get("Contents", ())]

    @staticmethod
    def backdate_by_a_minute(database, tenant):
        """Moves a tenant's history a minute into the past."""
        postgres.psql(database, BACKDATE, id=tenant)
