"""The AWS stand-in: MiniStack with the rules added that a verifier has to be able to rely on.

It plays STS, IAM, S3, KMS and CloudFormation on plain HTTP, on loopback, with all state in memory. A 12-digit access key
is the root of that account, and accounts spring into being when used. Each module here replaces functions inside the
pinned MiniStack before it starts:

* `policies`: resource policies of other accounts, policy variables, role ARNs in conditions, reasons of refusals
* `principals`: policies that name principals which do not exist are refused
* `kms`: keys of other accounts, `ReEncrypt`, `DryRun`, error codes
* `s3`: S3 asks KMS, expected bucket owners, what a missing object answers, buckets that are throttled
* `sts`: limits on durations and external IDs
* `cloudformation`: default encryption of buckets, refused policies

What it cannot play: TLS, throttling that passes, roles that were deleted and made again (their old trust goes on working here), and
answers per key of `DeleteObjects`.
"""

MINISTACK = "1.5.33"


def install():
    """Put every rule in place. To be called once, before MiniStack starts."""
    from . import cloudformation, kms, policies, principals, s3, sts

    for module in (policies, principals, kms, s3, sts, cloudformation):
        module.install()
