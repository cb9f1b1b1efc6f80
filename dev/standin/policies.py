"""Authorization: MiniStack's policy evaluator, corrected to follow AWS's rules.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import contextvars
import dataclasses
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import AuthError, EvalContext, EvalResult, PrincipalInfo
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import iam, s3, sts

from . import organizations, origin

# Authorized in `sts`, which evaluates the trust policy together with the identity policies.
ASSUME_ROLE = "sts:AssumeRole"
# Authorized in `kms`, which knows keys of other accounts and dry runs.
KMS_CROSS_ACCOUNT_ACTIONS = {f"kms:{name}" for name in (
    "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "DescribeKey",
    "GetKeyRotationStatus", "ListGrants")}

VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass
class Denial:
    """Why a request is denied, for the error message."""

    principal: str
    action: str
    resource: str
    # AWS gives the reason only in the resource's account and organization.
    explained: bool
    reason: str
    # Whether the resource's own policy decided.
    by_resource: bool = False
    bucket_region: str | None = None

    def message(self) -> str:
        return f"User: {self.principal} is not authorized to perform: {self.action} on resource: {self.resource} {self.reason}"

    def message_of_s3(self) -> str:
        if not self.explained:
            return "Access Denied"
        return f'User: {self.principal} is not authorized to perform: {self.action} on resource: "{self.resource}" {self.reason}'


_denial: contextvars.ContextVar[Denial | None] = contextvars.ContextVar("denial", default=None)


def caller_of(headers, query_params):
    """The principal of a request, or None for an in-process request of an AWS service."""
    key = extract_access_key_id(headers, query_params)
    if not key:
        return None
    account = key if iam_evaluator.is_root_access_key(key) else iam_evaluator.find_iam_access_key_account(key)
    # MiniStack looks for a user's policies in the account of the request, which may be the bucket owner's by now.
    with request_scope(account or get_account_id(), get_region()):
        principal = iam_evaluator.resolve_principal(key, account or "")
    return None if isinstance(principal, AuthError) else principal


def resolve_principal(access_key_id, account_id, credential=None):
    principal = original_resolve_principal(access_key_id, account_id, credential)
    if isinstance(principal, PrincipalInfo):
        principal.access_key = access_key_id
    return principal


def decide(principal, action, resource, policy, owner, context=None, required=False, tags=()) -> Denial | None:
    """Evaluates all policies. `required`: the resource policy must allow even its own account."""
    ctx = EvalContext(
        principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account,
        action=action, resource_arn=resource, region=get_region(),
        service_context={name.lower(): value for name, value in (context or {}).items()},
        principal_keys=principal.keys, request_tags={tag["Key"]: tag["Value"] for tag in tags}, tag_keys=[tag["Key"] for tag in tags])
    guardrail = organizations.denial(ctx, owner or principal.account) or origin.denial(ctx)
    if principal.policies is None:
        identity = EvalResult("Allow", principal.arn)
    else:
        identity = iam_evaluator.evaluate(ctx, principal.policies, *principal.limits)
    result = iam_evaluator.combine_resource_policy(identity, ctx, policy, owner, required=required, limits=principal.limits)
    if guardrail and (guardrail[0] or result.decision != "Deny"):
        return denial_of(ctx, owner, guardrail[1])
    if result.decision != "Allow":
        return explain(principal, ctx, identity, result, owner)
    return None


def guarded(principal, action, resource, owner, context=None) -> Denial | None:
    """What Organizations and VPC endpoints deny even to root users, whom no other policy limits here."""
    ctx = EvalContext(
        principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account, action=action,
        resource_arn=resource, region=get_region(), principal_keys=principal.keys,
        service_context={name.lower(): value for name, value in (context or {}).items()})
    guardrail = organizations.denial(ctx, owner or principal.account) or origin.denial(ctx)
    return denial_of(ctx, owner, guardrail[1]) if guardrail else None


def denial_of(ctx, owner, reason, by_resource=False) -> Denial:
    explained = owner is None or organizations.are_together(ctx.principal_account, owner)
    return Denial(ctx.principal_arn, ctx.action, ctx.resource_arn, explained, reason, by_resource)


def explain(principal, ctx, identity, result, owner) -> Denial:
    action = ctx.action
    is_role = ":role/" in ctx.resource_arn and action.startswith("sts:")
    if result.decision == "Deny" and result.resource_policy_arn:
        return denial_of(ctx, owner, f"with an explicit deny in {'the role trust policy' if is_role else 'a resource-based policy'}", True)
    if result.decision == "Deny":
        return denial_of(ctx, owner, f"with an explicit deny in {denying_policy(principal, ctx)}")
    if identity.decision == "Allow":
        return denial_of(ctx, owner, f"because no {'role trust' if is_role else 'resource-based'} policy allows the {action} action", True)
    if principal.limits and iam_evaluator.evaluate(ctx, principal.policies).decision == "Allow":
        return denial_of(ctx, owner, f"because no {limit_of(principal, ctx)} allows the {action} action")
    return denial_of(ctx, owner, f"because no identity-based policy allows the {action} action")


def limit_of(principal, ctx) -> str:
    """The kind of limit that does not allow what the identity policies allow."""
    allowed = {kind: False for kind, _, _ in policies_of(principal)}
    for kind, _, statements in policies_of(principal):
        allowed[kind] = allowed[kind] or iam_evaluator._first_match(ctx, statements, "Allow") is not None
    return "session policy" if allowed.get("a permissions boundary", True) else "permissions boundary"


def denying_policy(principal, ctx) -> str:
    """The kind of the policy with an explicit deny, and its ARN if it has one."""
    for kind, arn, statements in policies_of(principal):
        if iam_evaluator._first_match(ctx, statements, "Deny"):
            return f"{kind}: {arn}" if arn else kind
    return "an identity-based policy"


def policies_of(principal):
    """Every policy of a principal and its session: the kind, the ARN of a managed policy, and the statements."""
    is_session = principal.type == "AssumedRole"
    name = iam_evaluator._role_name_from_assumed_arn(principal.arn) if is_session else principal.arn.rsplit("/", 1)[-1]
    record = (iam._roles if is_session else iam._users).get_scoped(principal.account, None, name) or {}
    inline = record.get("InlinePolicies") if is_session else iam._user_inline_policies.get_scoped(principal.account, None, name)
    session = sts._sessions.get(principal.access_key) or {}
    passed = session.get("SessionPolicies") or {}
    documents = [("an identity-based policy", None, document) for document in (inline or {}).values()]
    documents += [("an identity-based policy", arn, None) for arn in record.get("AttachedPolicies", [])]
    if record.get("PermissionsBoundary"):
        documents.append(("a permissions boundary", record["PermissionsBoundary"], None))
    if passed.get("Policy"):
        documents.append(("a session policy", None, passed["Policy"]))
    documents += [("a session policy", arn, None) for arn in passed.get("PolicyArns", [])]
    for kind, arn, document in documents:
        document = document or iam_evaluator._resolve_managed_policy_document(arn, principal.account)
        yield kind, arn, iam_evaluator.parse_policy_document(document or {})


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
    if iam_action in KMS_CROSS_ACCOUNT_ACTIONS or iam_action == ASSUME_ROLE:
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
        if iam_action == "s3:CreateBucket" and owner is not None:
            # The policy of the bucket that has the name already says nothing about this.
            return enforce_identity(access_key_id, iam_action, service, resource_arn, service_context)
    result = original_enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
    if isinstance(result, AuthError) or not access_key_id or iam_action in iam_evaluator._ALWAYS_ALLOWED_ACTIONS:
        return result
    principal = iam_evaluator.resolve_principal(access_key_id, iam_evaluator.find_iam_access_key_account(access_key_id) or "")
    if isinstance(principal, AuthError):
        return result
    policy, owner = (iam_evaluator._resource_policy(service, resource_arn) if service == "s3" else None) or ("", None)
    if service == "s3" and principal.policies is not None:
        denial = decide(principal, iam_action, resource_arn, policy, owner, service_context)
        if denial is None and is_restricted(principal, resource_arn, policy, owner):
            ctx = EvalContext(principal.arn, principal.type, principal.account, iam_action, resource_arn, region)
            denial = denial_of(ctx, owner, f"because no resource-based policy allows the {iam_action} action")
    else:
        denial = guarded(principal, iam_action, resource_arn, owner, service_context)
    if denial is None:
        return result
    denial.bucket_region = home
    _denial.set(denial)
    return result or EvalResult("ImplicitDeny", principal.arn)


def enforce_identity(access_key_id, iam_action, service, resource_arn, service_context):
    """The same for an action that only the caller's own policies decide on."""
    failure = iam_evaluator.check_credentials(access_key_id, service)
    principal = iam_evaluator.resolve_principal(access_key_id, iam_evaluator.find_iam_access_key_account(access_key_id) or "")
    if failure is not None or isinstance(principal, AuthError):
        return failure or principal
    denial = decide(principal, iam_action, resource_arn, "", None, service_context)
    _denial.set(denial)
    return EvalResult("ImplicitDeny", principal.arn) if denial else None


def is_restricted(principal, resource, policy, owner) -> bool:
    """Block Public Access keeps other accounts out of a bucket whose policy is public, even those that the policy names.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    return (owner not in (None, principal.account) and s3._public_access_blocked(owner, bucket_of(resource), "RestrictPublicBuckets")
            and s3._policy_is_public(policy or "{}"))


def access_denied_response(service, action, principal_arn, request_id, **details):
    denial = _denial.get() if not details.get("error_code") else None
    if denial is not None:
        details["message"] = denial.message_of_s3() if service == "s3" else denial.message()
    status, headers, body = original_denied(service, action, principal_arn, request_id, **details)
    # Every response of AWS has a request ID.
    headers.setdefault("x-amz-request-id" if service == "s3" else "x-amzn-requestid", request_id)
    if denial is not None and denial.bucket_region:
        headers["x-amz-bucket-region"] = denial.bucket_region
    return status, headers, body


def resolve_condition_key(key, ctx):
    name = key.lower()
    if name in origin.KEYS:
        return origin.value(name, ctx)
    if name == "aws:principalarn" and ":assumed-role/" in ctx.principal_arn:
        return role_arn_of(ctx.principal_arn)
    if name in ("aws:resourceaccount", "s3:resourceaccount") and ctx.resource_arn.startswith("arn:aws:s3:::"):
        return s3._bucket_owner_account(bucket_of(ctx.resource_arn))
    if name == "aws:principalisawsservice":
        return "false"
    if name in ("aws:principalorgpaths", "aws:resourceorgid", "aws:resourceorgpaths"):
        account = ctx.principal_account if "principal" in name else resolve_condition_key("aws:ResourceAccount", ctx)
        of = organizations.organization_id if name.endswith("id") else organizations.organization_path
        return of(account) if account else None
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


# Headers of a put by their condition keys.
PUT_KEYS = {f"s3:{header}": header for header in (
    "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm", "x-amz-storage-class",
    "x-amz-acl", "x-amz-copy-source", "x-amz-metadata-directive")} | {
    "s3:object-lock-mode": "x-amz-object-lock-mode", "s3:object-lock-retain-until-date": "x-amz-object-lock-retain-until-date",
    "s3:object-lock-legal-hold": "x-amz-object-lock-legal-hold", "s3:if-match": "if-match", "s3:if-none-match": "if-none-match"}


def s3_service_context(iam_action, query_params, path="", headers=None):
    context = original_s3_context(iam_action, query_params, path, headers)
    if iam_action == "s3:PutObject" and "uploadId" not in (query_params or {}):
        headers = headers or {}
        context |= {key: headers[name] for key, name in PUT_KEYS.items() if headers.get(name)}
        tags = dict(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
        context |= {f"s3:RequestObjectTag/{name}": value for name, value in tags.items()}
        if tags:
            context["s3:RequestObjectTagKeys"] = list(tags)
    return context


# What a put needs on top of s3:PutObject, by header.
PUT_PERMISSIONS = {
    "x-amz-tagging": "s3:PutObjectTagging", "x-amz-acl": "s3:PutObjectAcl", "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold"}


def s3_additional_checks(method, path, headers, body, query_params):
    checks = original_additional_checks(method, path, headers, body, query_params)
    bucket, _, key = path.lstrip("/").partition("/")
    if key and iam_actions._s3_action(method, path, query_params) == "PutObject" and "uploadId" not in query_params:
        needed = {action for header, action in PUT_PERMISSIONS.items() if headers.get(header)}
        checks += [(action, f"arn:aws:s3:::{bucket}/{key}") for action in sorted(needed)]
    return checks


def extract_iam_action(service, method, path, headers, body, query_params):
    if service == "s3" and method == "POST" and "delete" in query_params:
        # Each key is authorized by itself, in `deletion`.
        return None
    return original_iam_action(service, method, path, headers, body, query_params)


def foreign_bucket_allows(owner, bucket, key, method, query_params, caller, headers=None):
    """`enforce` has evaluated both policies, except for anonymous requests and root users."""
    access_key = extract_access_key_id(headers or {}, query_params)
    if caller and access_key and not iam_evaluator.is_root_access_key(access_key):
        return True
    return original_foreign(owner, bucket, key, method, query_params, caller, headers)


def install():
    global original_enforce, original_denied, original_condition_key, original_first_match
    global original_conditions_met, original_foreign, original_bucket_policy, original_s3_context, original_names_directly
    global original_resolve_principal, original_additional_checks, original_iam_action
    original_resolve_principal, iam_evaluator.resolve_principal = iam_evaluator.resolve_principal, resolve_principal
    original_additional_checks, iam_actions.s3_additional_checks = iam_actions.s3_additional_checks, s3_additional_checks
    original_iam_action, iam_actions.extract_iam_action = iam_actions.extract_iam_action, extract_iam_action
    original_names_directly, iam_evaluator._names_caller_directly = iam_evaluator._names_caller_directly, names_caller_directly
    original_s3_context, iam_actions.s3_service_context = iam_actions.s3_service_context, s3_service_context
    original_enforce, iam_evaluator.enforce = iam_evaluator.enforce, enforce
    original_denied, iam_actions.access_denied_response = iam_actions.access_denied_response, access_denied_response
    original_condition_key, iam_evaluator._resolve_condition_key = iam_evaluator._resolve_condition_key, resolve_condition_key
    original_first_match, iam_evaluator._first_match = iam_evaluator._first_match, first_match
    original_conditions_met, iam_evaluator._conditions_met = iam_evaluator._conditions_met, conditions_met
    original_foreign, s3._foreign_bucket_allows = s3._foreign_bucket_allows, foreign_bucket_allows
    original_bucket_policy, s3.bucket_policy_for_arn = s3.bucket_policy_for_arn, bucket_policy_for_arn
