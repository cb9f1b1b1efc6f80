"""Authorization: MiniStack's policy evaluator, corrected to follow AWS's rules.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import contextvars
import dataclasses
import re
from dataclasses import dataclass

from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import AuthError, EvalContext, EvalResult
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id
from ministack.services import iam, s3

# Authorized in `kms`, which knows keys of other accounts and dry runs.
KMS_DATA_ACTIONS = {f"kms:{name}" for name in (
    "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "DescribeKey")}

VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass
class Denial:
    """Why a request is denied, for the error message."""

    principal: str
    action: str
    resource: str
    same_account: bool
    reason: str
    bucket_region: str | None = None

    def message(self) -> str:
        return (f'User: {self.principal} is not authorized to perform: {self.action} on resource: "{self.resource}" '
                f"{self.reason}")


_denial: contextvars.ContextVar[Denial | None] = contextvars.ContextVar("denial", default=None)


def caller_of(headers, query_params):
    """The principal of a request, or None for an in-process request of an AWS service."""
    key = extract_access_key_id(headers, query_params)
    if not key:
        return None
    account = key if iam_evaluator.is_root_access_key(key) else iam_evaluator.find_iam_access_key_account(key)
    principal = iam_evaluator.resolve_principal(key, account or "")
    return None if isinstance(principal, AuthError) else principal


def decide(principal, action, resource, policy, owner, context=None, required=False) -> Denial | None:
    """Evaluates identity and resource policies. `required`: the resource policy must allow even its own account."""
    ctx = EvalContext(
        principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account,
        action=action, resource_arn=resource, region=get_region(),
        service_context={name.lower(): value for name, value in (context or {}).items()},
        principal_keys=principal.keys)
    if principal.policies is None:
        identity = EvalResult("Allow", principal.arn)
    else:
        identity = iam_evaluator.evaluate(ctx, principal.policies, *principal.limits)
    result = iam_evaluator.combine_resource_policy(identity, ctx, policy, owner, required=required, limits=principal.limits)
    if result.decision == "Allow":
        return None
    return explain(principal, ctx, identity, result, owner)


def explain(principal, ctx, identity, result, owner) -> Denial:
    action = ctx.action
    if result.decision == "Deny":
        kind = "a resource-based policy" if result.resource_policy_arn else "an identity-based policy"
        reason = f"with an explicit deny in {kind}"
    elif identity.decision == "Allow":
        reason = f"because no resource-based policy allows the {action} action"
    elif principal.limits and iam_evaluator.evaluate(ctx, principal.policies).decision == "Allow":
        reason = f"because no {limit_of(principal, ctx)} allows the {action} action"
    else:
        reason = f"because no identity-based policy allows the {action} action"
    return Denial(principal.arn, action, ctx.resource_arn, owner in (None, principal.account), reason)


def limit_of(principal, ctx) -> str:
    boundary = iam_evaluator._permissions_boundary(
        iam._roles, iam_evaluator._role_name_from_assumed_arn(principal.arn), principal.account)
    allowed = all(iam_evaluator._first_match(ctx, [s for stmts in layer for s in stmts], "Allow") for layer in boundary)
    return "session policy" if allowed else "permissions boundary"


def role_arn_of(session_arn: str) -> str:
    """The role's ARN with its path, which conditions compare for a session."""
    name, account = iam_evaluator._role_name_from_assumed_arn(session_arn), session_arn.split(":")[4]
    role = iam._roles.get_scoped(account, None, name)
    return role["Arn"] if role else session_arn


def bucket_of(resource: str) -> str:
    return resource.removeprefix("arn:aws:s3:::").split("/", 1)[0]


def bucket_policy_for_arn(resource):
    """A bucket's policy and owner, for any caller: bucket names are global."""
    if not resource.startswith("arn:aws:s3:::"):
        return original_bucket_policy(resource)
    owner = s3._bucket_owner_account(bucket_of(resource))
    if owner is None:
        return None
    return s3._bucket_policies.get_scoped(owner, None, bucket_of(resource)) or "", owner


def enforce(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
    _denial.set(None)
    if iam_action in KMS_DATA_ACTIONS:
        return iam_evaluator.check_credentials(access_key_id, service)
    home = None
    if service == "s3" and resource_arn.startswith("arn:aws:s3:::"):
        owner = s3._bucket_owner_account(bucket_of(resource_arn))
        record = s3._buckets.get_scoped(owner, None, bucket_of(resource_arn)) if owner else None
        home = (record or {}).get("region") or (region if record is None else "us-east-1")
        if owner is None and iam_action != "s3:CreateBucket":
            # A missing bucket is reported to any caller.
            return iam_evaluator.check_credentials(access_key_id, service)
        if home != region and iam_action not in ("s3:CreateBucket", "s3:GetBucketLocation"):
            # The endpoint of another region redirects before authorization.
            return iam_evaluator.check_credentials(access_key_id, service)
    result = original_enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
    if isinstance(result, EvalResult) and service == "s3":
        principal = iam_evaluator.resolve_principal(
            access_key_id, iam_evaluator.find_iam_access_key_account(access_key_id) or "")
        found = iam_evaluator._resource_policy(service, resource_arn) or ("", None)
        denial = decide(principal, iam_action, resource_arn, *found, context=service_context)
        if denial is not None:
            denial.bucket_region = home
            _denial.set(denial)
    return result


def access_denied_response(service, action, principal_arn, request_id, **details):
    denial = _denial.get() if service == "s3" and not details.get("error_code") else None
    if denial is not None:
        # Across accounts S3 gives no reason.
        details["message"] = denial.message() if denial.same_account else "Access Denied"
    status, headers, body = original_denied(service, action, principal_arn, request_id, **details)
    # Every response of AWS has a request ID.
    headers.setdefault("x-amz-request-id" if service == "s3" else "x-amzn-requestid", request_id)
    if denial is not None and denial.bucket_region:
        headers["x-amz-bucket-region"] = denial.bucket_region
    return status, headers, body


def resolve_condition_key(key, ctx):
    if key.lower() == "aws:principalarn" and ":assumed-role/" in ctx.principal_arn:
        return role_arn_of(ctx.principal_arn)
    if key.lower() in ("aws:resourceaccount", "s3:resourceaccount") and ctx.resource_arn.startswith("arn:aws:s3:::"):
        return s3._bucket_owner_account(bucket_of(ctx.resource_arn))
    return original_condition_key(key, ctx)


def substitute(text, ctx):
    """Replaces policy variables. None when one has no value: then the statement does not match.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    filled = text
    for name in VARIABLE.findall(text):
        value = resolve_condition_key(name, ctx)
        if value is None:
            return None
        filled = filled.replace(f"${{{name}}}", str(value))
    return filled


def first_match(ctx, statements, effect):
    for statement in statements:
        if any("${" in text for text in statement.resources):
            resources = [substitute(text, ctx) for text in statement.resources]
            statement = dataclasses.replace(statement, resources=[text for text in resources if text is not None] or ["\0"])
        if original_first_match(ctx, [statement], effect):
            return statement
    return None


def conditions_met(conditions, ctx):
    if "${" not in str(conditions):
        return original_conditions_met(conditions, ctx)
    filled = {}
    for operator, block in conditions.items():
        filled[operator] = {}
        for key, expected in block.items():
            expected = [expected] if isinstance(expected, str) else expected
            filled[operator][key] = [text for text in (substitute(str(text), ctx) for text in expected) if text is not None]
    return original_conditions_met(filled, ctx)


def names_caller_directly(principal, session_arn):
    """In the same account, session policies and boundaries do not limit what a statement for every principal grants.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
    """
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    everyone = named == "*" or isinstance(named, list) and "*" in named
    return everyone or original_names_directly(principal, session_arn)


def s3_service_context(iam_action, query_params, path="", headers=None):
    context = original_s3_context(iam_action, query_params, path, headers)
    key = (headers or {}).get("x-amz-server-side-encryption-aws-kms-key-id")
    if key and iam_action == "s3:PutObject":
        context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = key
    return context


def foreign_bucket_allows(owner, bucket, key, method, query_params, caller, headers=None):
    """`enforce` has evaluated both policies, except for anonymous requests and root users."""
    access_key = extract_access_key_id(headers or {}, query_params)
    if caller and access_key and not iam_evaluator.is_root_access_key(access_key):
        return True
    return original_foreign(owner, bucket, key, method, query_params, caller, headers)


def install():
    global original_enforce, original_denied, original_condition_key, original_first_match
    global original_conditions_met, original_foreign, original_bucket_policy, original_s3_context, original_names_directly
    original_names_directly, iam_evaluator._names_caller_directly = iam_evaluator._names_caller_directly, names_caller_directly
    original_s3_context, iam_actions.s3_service_context = iam_actions.s3_service_context, s3_service_context
    original_enforce, iam_evaluator.enforce = iam_evaluator.enforce, enforce
    original_denied, iam_actions.access_denied_response = iam_actions.access_denied_response, access_denied_response
    original_condition_key, iam_evaluator._resolve_condition_key = iam_evaluator._resolve_condition_key, resolve_condition_key
    original_first_match, iam_evaluator._first_match = iam_evaluator._first_match, first_match
    original_conditions_met, iam_evaluator._conditions_met = iam_evaluator._conditions_met, conditions_met
    original_foreign, s3._foreign_bucket_allows = s3._foreign_bucket_allows, foreign_bucket_allows
    original_bucket_policy, s3.bucket_policy_for_arn = s3.bucket_policy_for_arn, bucket_policy_for_arn
