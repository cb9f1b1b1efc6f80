"""STS: the limits of `AssumeRole`, its reasons for a denial, what a session passes on to the next one, and regions that an account has not
enabled, or in which it has deactivated STS.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
"""

import re
from urllib.parse import parse_qs, urlencode

from ministack.core import iam_evaluator
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


def inactive(account_id):
    """The error if the account has deactivated STS in the region of the request."""
    if account.is_sts_active(account_id, get_region()):
        return None
    return error(403, "RegionDisabledException", (
        f"STS is not activated in this region for account:{account_id}. Your account administrator can activate STS in this region "
        "using the IAM Console."))


def refusal(denial):
    """What STS says about a denial: the reason only in the role's account and organization, and no role for a trust policy."""
    message = f"User: {denial.principal} is not authorized to perform: {denial.action}"
    if not denial.explained:
        message += f" on resource: {denial.resource}"
    elif denial.by_resource:
        message += f" {denial.reason}"
    else:
        message += f" on resource: {denial.resource} {denial.reason}"
    return error(403, "AccessDenied", message)


def rejection(params, principal):
    """What AWS rejects regardless of policies."""
    external_id = params.get("ExternalId", [None])[0]
    if external_id is not None and not EXTERNAL_ID.fullmatch(external_id):
        return invalid("1 validation error detected: Value at 'externalId' failed to satisfy constraint")
    duration = int(params.get("DurationSeconds", ["3600"])[0])
    if not SHORTEST <= duration <= LONGEST:
        return invalid("1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint")
    if principal.type == "Root":
        return error(403, "AccessDenied", "Roles may not be assumed by root accounts.")
    if principal.type == "AssumedRole" and duration > CHAINED:
        return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    return None


def denied(params, principal):
    """The error of a caller that the role's trust policy or its own policies deny, or who asks for too long a session."""
    role_arn = params.get("RoleArn", [""])[0]
    parts = role_arn.split(":", 5)
    if len(parts) < 6:
        # MiniStack rejects it.
        return None
    role, tags = role_of(role_arn), iam._extract_tags(params)
    # Of the role's account, too: the session is of it.
    failure = inactive(parts[4])
    if failure is not None:
        return failure
    if role is None or role["Arn"] != role_arn:
        return error(403, "AccessDenied", f"User: {principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}")
    context = {
        "sts:ExternalId": iam._p(params, "ExternalId", None), "sts:RoleSessionName": iam._p(params, "RoleSessionName", None),
        "sts:SourceIdentity": iam._p(params, "SourceIdentity", None)}
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if tags else []), *(["sts:SetSourceIdentity"] if context["sts:SourceIdentity"] else [])]
    for action in actions:
        denial = policies.decide(principal, action, role_arn, role["AssumeRolePolicyDocument"], parts[4], context, required=True, tags=tags)
        if denial:
            return refusal(denial)
    if int(params.get("DurationSeconds", ["3600"])[0]) > int(role.get("MaxSessionDuration") or 3600):
        return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
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


async def assume_role(method, path, headers, params, query_params):
    key = extract_access_key_id(headers, query_params)
    caller = sts._sessions.get(key) or {}
    asked_identity = iam._p(params, "SourceIdentity", None)
    principal = policies.caller_of(headers, query_params)
    if principal is None:
        return error(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    params, failure = inherit(params, caller)
    failure = failure or rejection(params, principal) or denied(params, principal)
    if failure is not None:
        return failure
    identity = iam._p(params, "SourceIdentity", None)
    if asked_identity not in (None, identity):
        return refusal(policies.Denial(principal.arn, "sts:SetSourceIdentity", params["RoleArn"][0], False, ""))
    status, response_headers, body = await original_handle(method, path, headers, urlencode(params, doseq=True).encode(), query_params)
    made = ACCESS_KEY.search(body)
    if status != 200 or not made:
        return status, response_headers, body
    session = sts._sessions[made[1].decode()]
    session["TransitiveTags"] = transitive_tags(params, caller)
    if identity:
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
    failure = inactive(principal.account) if principal is not None else None
    if failure is not None:
        return failure
    params = {**query_params, **parse_qs((body or b"").decode("utf-8", errors="replace"))}
    if params.get("Action", [""])[0] == "AssumeRole":
        return await assume_role(method, path, headers, params, query_params)
    return await original_handle(method, path, headers, body, query_params)


def install():
    global original_handle, original_principal_keys
    original_handle, sts.handle_request = sts.handle_request, handle_request
    original_principal_keys = iam_evaluator._principal_keys
    iam_evaluator._principal_keys = sts._principal_keys = principal_keys
