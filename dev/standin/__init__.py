"""The AWS stand-in: MiniStack, with the AWS rules that Latchkey's verification relies on.

It serves STS, IAM, S3, KMS and CloudFormation over plain HTTP on loopback and keeps its state in memory. An account ID as
access key means the root user of that account; accounts need not be created. Each module patches functions of the pinned
MiniStack before it starts:

* `policies`: cross-account resource policies, policy variables, role ARNs in conditions, the reason in AccessDenied messages
* `principals`: rejects policies that name principals which do not exist
* `kms`: cross-account keys, `ReEncrypt`, `DryRun`, error codes
* `s3`: KMS authorization of S3 requests, expected bucket owners, responses for missing objects, throttled buckets
* `sts`: limits on durations and external IDs, transitive session tags, source identities
* `account`: regions that an account has not enabled
* `simulation`: permission for the policy simulator
* `cloudformation`: default encryption of buckets, rejected policies

It does not emulate TLS, temporary throttling, the new identity of a deleted and recreated role (old trust policies still match
it), and per-key results of `DeleteObjects`.
"""

MINISTACK = "1.5.33"


def install():
    """Applies all patches. Call it once, before MiniStack starts."""
    from . import account, cloudformation, kms, policies, principals, s3, simulation, sts

    for module in (policies, principals, kms, s3, account, simulation, sts, cloudformation):
        module.install()
