"""A customer with a bucket, a key and the issued documents, any of which can be changed and put back."""

import copy
import json

from stack.conform import names
from stack.conform.product import retried
from stack.demo import customer


class Customer(customer.Customer):
    """Like the demo's, but with the account's own credentials and names."""

    def __init__(self, account, run, label, region, patience):
        self.account, self.region, self.patience = account.id, region, patience
        self.bucket = self.role_name = f"{names.prefix(run)}{label}"
        self.iam, self.s3, self.kms = (account.client(service, region) for service in ("iam", "s3", "kms"))
        self.documents, self.key_arn, self.is_versioned = {}, None, False

    def create_bucket_and_key(self):
        super().create_bucket_and_key()
        self.s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": []})

    def query(self, mode):
        query = {"mode": mode, "bucket": self.bucket} | ({"key_arn": self.key_arn} if self.key_arn else {})
        return query | ({"role_name": self.role_name, "account_id": self.account} if mode == "assume_role" else {})

    def submission(self, mode):
        submission = {"mode": mode, "bucket_arn": self.bucket_arn, "bucket_region": self.region, "key_arn": self.key_arn}
        return submission | ({"role_arn": self.role_arn} if mode == "assume_role" else {})

    def apply_all(self, issued):
        """Applies the issued documents unchanged, in their order."""
        for document in issued["documents"]:
            name, body = document["document"], document["body"]
            self.documents[name] = body
            retried(lambda name=name, body=body: self.apply(name, body), self.patience)

    def write(self, document, policy):
        retried(lambda: super(Customer, self).write(document, policy), self.patience)

    def put(self, document, body):
        """Replaces a document that was applied before."""
        if document == "bucket-encryption":
            self.s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration=body)
        elif document == "key-policy":
            self.add_statement(document, body)
        else:
            self.write(document, body)

    def restore(self):
        """Puts everything back as it was issued."""
        self.kms.put_key_policy(KeyId=self.key_arn, PolicyName="default", Policy=json.dumps(self.whole_key_policy()))
        self.kms.enable_key(KeyId=self.key_arn)
        if self.is_versioned:
            self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Suspended"})
        for name, body in self.documents.items():
            self.put(name, body)

    def whole_key_policy(self):
        return {"Version": "2012-10-17", "Statement": [{
            "Sid": "EnableRootAccess", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"}, "Action": "kms:*", "Resource": "*"}]}

    # What a row of the matrix can ask for besides changes of documents.
    def do(self, action):
        match action:
            case "delete-bucket-policy":
                self.s3.delete_bucket_policy(Bucket=self.bucket)
            case "delete-bucket-encryption":
                self.s3.delete_bucket_encryption(Bucket=self.bucket)
            case "enable-versioning":
                self.is_versioned = True
                self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
            case "disable-key":
                self.kms.disable_key(KeyId=self.key_arn)
            case "remove-key-statement":
                self.kms.put_key_policy(KeyId=self.key_arn, PolicyName="default", Policy=json.dumps(self.whole_key_policy()))
            case _:
                raise ValueError(f"the matrix asks for {action!r}, which is not known")

    def document(self, name):
        return copy.deepcopy(self.documents[name])
