"""Deletes what runs created: this run's, or all leftovers. Found by name and tag, so it also works after a crash."""

import contextlib
import json
import time

from stack import terminal
from stack.conform import names

WAIT_DAYS = 7
STACK_SECONDS = 300


def sweep(account, regions, run=None):
    """Deletes everything in an account that `run`, or any run, created. Returns what it deleted, and what it could not delete."""
    deleted, failed = [], []

    def attempt(what, delete):
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            delete()
            deleted.append(what)
        except (BotoCoreError, ClientError) as error:
            failed.append(f"{what}: {error}")

    for region in regions:
        for name in stacks(account.client("cloudformation", region), run):
            attempt(f"stack {name} in {region}", lambda region=region, name=name: delete_stack(account.client("cloudformation", region), name))
    for name in buckets(account, regions[0], run):
        attempt(f"bucket {name}", lambda name=name: delete_bucket(account, name, regions[0]))
    for region in regions:
        kms = account.client("kms", region)
        for alias in aliases(kms, run):
            attempt(f"{alias} in {region}", lambda kms=kms, alias=alias: kms.delete_alias(AliasName=alias))
        for key in keys(kms, run, account.id):
            attempt(f"key {key} in {region}, in {WAIT_DAYS} days", lambda kms=kms, key=key: schedule_deletion(kms, key))
    iam = account.client("iam", regions[0])
    for name in named(iam, "list_roles", "Roles", "RoleName", run):
        attempt(f"role {name}", lambda name=name: delete_role(iam, name))
    for name in named(iam, "list_users", "Users", "UserName", run):
        attempt(f"user {name}", lambda name=name: delete_user(iam, name))
    for policy in iam.get_paginator("list_policies").paginate(Scope="Local").search("Policies[]"):
        if policy and names.belongs(policy["PolicyName"], run):
            attempt(f"policy {policy['PolicyName']}", lambda policy=policy: iam.delete_policy(PolicyArn=policy["Arn"]))
    return deleted, failed


def named(iam, operation, items, name, run):
    found = iam.get_paginator(operation).paginate().search(f"{items}[].{name}")
    return [each for each in found if each and names.belongs(each, run)]


def stacks(cloudformation, run):
    summaries = cloudformation.get_paginator("list_stacks").paginate().search("StackSummaries[]")
    return {each["StackName"] for each in summaries if each and names.belongs(each["StackName"], run) and each["StackStatus"] != "DELETE_COMPLETE"}


def delete_stack(cloudformation, name):
    """Waits, because a stack's role cannot be deleted twice at once."""
    cloudformation.delete_stack(StackName=name)
    until = time.monotonic() + STACK_SECONDS
    while time.monotonic() < until and name in stacks(cloudformation, None):
        time.sleep(1)


def buckets(account, region, run):
    listed = account.client("s3", region).list_buckets()["Buckets"]
    return [bucket["Name"] for bucket in listed if names.belongs(bucket["Name"], run)]


def delete_bucket(account, name, region):
    from botocore.exceptions import ClientError

    location = account.client("s3", region).get_bucket_location(Bucket=name).get("LocationConstraint") or "us-east-1"
    s3 = account.client("s3", location)
    # It may deny what follows.
    s3.delete_bucket_policy(Bucket=name)
    for upload in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            # The probe locks objects in governance mode, for a day.
            bypass = {"BypassGovernanceRetention": True}
            try:
                s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"], **bypass)
            except ClientError as error:
                if error.response["Error"]["Code"] != "InvalidArgument":
                    raise
                s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
    for entry in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


def aliases(kms, run):
    listed = kms.get_paginator("list_aliases").paginate().search("Aliases[].AliasName")
    return [alias for alias in listed if alias and names.belongs(alias.removeprefix("alias/"), run)]


def keys(kms, run, account):
    """Keys with the tag that are not being deleted already."""
    from botocore.exceptions import ClientError

    for key in kms.get_paginator("list_keys").paginate().search("Keys[].KeyId"):
        # AWS does not show the tags of keys with policies of others' making.
        with contextlib.suppress(ClientError):
            tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]}
            if names.is_tagged(tags, run) and state(kms, key, account) != "PendingDeletion":
                yield key


def state(kms, key, account):
    from botocore.exceptions import ClientError

    try:
        return kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    except ClientError:
        # A test left the key a policy that does not allow it, but the replacement of the policy.
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}]}))
        return kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


def schedule_deletion(kms, key):
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=WAIT_DAYS)


def delete_role(iam, name):
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    if iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary"):
        iam.delete_role_permissions_boundary(RoleName=name)
    iam.delete_role(RoleName=name)


def delete_user(iam, name):
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_user(UserName=name)


def clean(accounts, regions, run=None):
    """Sweeps all accounts, and prints what was deleted. Returns what could not be deleted."""
    failed = []
    for account in accounts:
        deleted, problems = sweep(account, regions, run)
        terminal.line(f"{account.role} {account.id}: deleted {len(deleted)}" + (f", failed to delete {len(problems)}" if problems else ""))
        failed += problems
    for problem in failed:
        terminal.line(problem, indent=4)
    return failed
