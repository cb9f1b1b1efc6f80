"""STS: the limits of `AssumeRole`, what a session passes on to the next one, and regions that an account has not enabled.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
"""

import re
from urllib.parse import parse_qs, urlencode

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id
from ministack.services import iam, sts

from . import account, policies

EXTERNAL_ID = re.compile(r"[\w+=,.@:\/-]{2,1224}", re.ASCII)
ACCESS_KEY = re.compile(rb"<AccessKeyId>([^<]+)</AccessKeyId>")
SHORTEST, LONGEST, CHAINED = 900, 43200, 3600


def error(status, code, message):
    return sts._error(status, code, message, ns="sts")


def invalid(message):
    return error(400, "ValidationError", message)


def denied(principal, action, role_arn):
    return error(403, "AccessDenied", f"User: {principal.arn} is not authorized to perform: {action} on resource: {role_arn}")


def rejection(params, principal):
    """What AWS rejects regardless of the trust policy."""
    external_id = params.get("ExternalId", [None])[0]
    if external_id is not None and not EXTERNAL_ID.fullmatch(external_id):
        return invalid("1 validation error detected: Value at 'externalId' failed to satisfy constraint")
    duration = int(params.get("DurationSeconds", ["3600"])[0])
    if not SHORTEST <= duration <= LONGEST:
        return invalid("1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint")
    role_arn = params.get("RoleArn", [""])[0]
    role = role_of(role_arn)
    if principal is None or role is None:
        return None
    if principal.type == "AssumedRole" and duration > CHAINED:
        return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    if duration > int(role.get("MaxSessionDuration") or 3600):
        return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    needed = [action for action, parameter in (("sts:TagSession", "Tags."), ("sts:SetSourceIdentity", "SourceIdentity"))
              if any(name.startswith(parameter) for name in params)]
    for action in needed:
        if role_arn.split(":")[4] != principal.account and policies.decide(principal, action, role_arn, "", None):
            return denied(principal, action, role_arn)
    return None


def role_of(arn):
    parts = arn.split(":", 5)
    return iam._roles.get_scoped(parts[4], None, parts[5].rsplit("/", 1)[-1]) if len(parts) == 6 else None


def inherit(params, session):
    """The parameters together with what the calling session passes on, or the error if they set it again."""
    given = iam._extract_tags(params)
    transitive = session.get("TransitiveTags") or []
    inherited = {tag["Key"].lower() for tag in transitive}
    if any(tag["Key"].lower() in inherited for tag in given):
        return None, error(400, "InvalidParameterValue",
                           "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
                           "from the calling session.")
    params = dict(params)
    for number, tag in enumerate(transitive, start=len(given) + 1):
        params[f"Tags.member.{number}.Key"], params[f"Tags.member.{number}.Value"] = [tag["Key"]], [tag["Value"]]
    if session.get("SourceIdentity"):
        params["SourceIdentity"] = [session["SourceIdentity"]]
    return params, None


def transitive_tags(params, session):
    """The tags that the new session passes on: inherited ones, and those that the request names."""
    keys, number = {tag["Key"].lower() for tag in session.get("TransitiveTags") or []}, 1
    while key := iam._p(params, f"TransitiveTagKeys.member.{number}"):
        keys.add(key.lower())
        number += 1
    return [tag for tag in iam._extract_tags(params) if tag["Key"].lower() in keys]


def allows_source_identity(params, principal):
    role_arn = params["RoleArn"][0]
    tags = iam._extract_tags(params)
    context = EvalContext(
        principal_arn=principal.arn, principal_type=principal.type, principal_account=principal.account,
        action="sts:SetSourceIdentity", resource_arn=role_arn, region=get_region(),
        service_context={"sts:externalid": iam._p(params, "ExternalId", None),
                         "sts:sourceidentity": params["SourceIdentity"][0]},
        principal_keys=principal.keys, request_tags={tag["Key"]: tag["Value"] for tag in tags},
        tag_keys=[tag["Key"] for tag in tags])
    return iam_evaluator.evaluate_trust_policy(role_of(role_arn)["AssumeRolePolicyDocument"], principal.arn, context)


async def assume_role(method, path, headers, params, query_params):
    key = extract_access_key_id(headers, query_params)
    caller = sts._sessions.get(key) or {}
    asked_identity = iam._p(params, "SourceIdentity", None)
    principal = policies.caller_of(headers, query_params)
    params, failure = inherit(params, caller)
    failure = failure or rejection(params, principal)
    if failure is not None:
        return failure
    status, response_headers, body = await original_handle(method, path, headers, urlencode(params, doseq=True).encode(), query_params)
    made = ACCESS_KEY.search(body)
    if status != 200 or not made:
        return status, response_headers, body
    session = sts._sessions[made[1].decode()]
    session["TransitiveTags"] = transitive_tags(params, caller)
    if identity := iam._p(params, "SourceIdentity", None):
        if asked_identity not in (None, identity) or not allows_source_identity(params, principal):
            del sts._sessions[made[1].decode()]
            return denied(principal, "sts:SetSourceIdentity", params["RoleArn"][0])
        session["SourceIdentity"] = identity
        element = f"<SourceIdentity>{identity}</SourceIdentity></AssumeRoleResult>"
        body = body.replace(b"</AssumeRoleResult>", element.encode())
    return status, response_headers, body


def principal_keys(credential):
    keys = original_principal_keys(credential)
    session = sts._sessions.get(credential.access_key_id) or {}
    if session.get("SourceIdentity"):
        keys["aws:sourceidentity"] = session["SourceIdentity"]
    return keys


async def handle_request(method, path, headers, body, query_params):
    principal = policies.caller_of(headers, query_params)
    if principal is not None and account.is_disabled(principal.account, get_region()):
        return error(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    params = {**query_params, **parse_qs((body or b"").decode("utf-8", errors="replace"))}
    if params.get("Action", [""])[0] == "AssumeRole":
        return await assume_role(method, path, headers, params, query_params)
    return await original_handle(method, path, headers, body, query_params)


def install():
    global original_handle, original_principal_keys
    original_handle, sts.handle_request = sts.handle_request, handle_request
    original_principal_keys = iam_evaluator._principal_keys
    iam_evaluator._principal_keys = sts._principal_keys = principal_keys
