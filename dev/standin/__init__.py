"""The AWS stand-in: MiniStack, with the AWS rules that Latchkey's verification relies on.

It serves STS, IAM, S3, KMS and CloudFormation over plain HTTP on loopback and keeps its state in memory. An account ID as
access key means the root user of that account; accounts need not be created. Each module patches functions of the pinned
MiniStack before it starts:

* `policies`: cross-account resource policies, policy variables, role ARNs in conditions, the reason in AccessDenied messages
* `organizations`: service and resource control policies, invitations
* `origin`: the address or VPC endpoint that a test says a request comes from, and the endpoint's policy
* `principals`: rejects policies that name principals which do not exist, and binds them to those that do
* `kms`: cross-account keys, `ReEncrypt`, `DryRun`, error codes
* `key_kinds`: asymmetric and HMAC keys, which refuse symmetric encryption
* `s3`: expected bucket owners, responses for missing objects, throttled buckets
* `encryption`: KMS authorization of S3 requests, DSSE-KMS, S3 Bucket Keys, blocked encryption types
* `ownership`: objects of other accounts, Requester Pays
* `object_lock`: what Object Lock, replication and MFA delete refuse and show
* `multipart`: parts that are too small
* `deletion`: results of `DeleteObjects` by key
* `sts`: limits on durations and external IDs, transitive session tags, source identities, the reason in AccessDenied messages
* `account`: regions that an account has not enabled
* `simulation`: permission for the policy simulator
* `cloudformation`: default encryption of buckets, rejected policies

It does not emulate TLS and temporary throttling.
"""

MINISTACK = "1.5.33"


def install():
    """Applies all patches. Call it once, before MiniStack starts."""
    from . import (
        account,
        cloudformation,
        encryption,
        key_kinds,
        kms,
        multipart,
        object_lock,
        organizations,
        origin,
        policies,
        principals,
        s3,
        simulation,
        sts,
    )

    storage = (encryption, object_lock, multipart, s3)
    for module in (origin, organizations, policies, key_kinds, principals, kms, *storage, account, simulation, sts, cloudformation):
        module.install()
