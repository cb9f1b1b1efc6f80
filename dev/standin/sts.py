"""STS: the limits of `AssumeRole`.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

import re
from urllib.parse import parse_qs

from ministack.services import iam, sts

from . import policies

EXTERNAL_ID = re.compile(r"[\w+=,.@:\/-]{2,1224}", re.ASCII)
SHORTEST, LONGEST, CHAINED = 900, 43200, 3600


def invalid(message):
    return sts._error(400, "ValidationError", message, ns="sts")


def rejection(params, principal):
    """What AWS rejects regardless of the trust policy."""
    external_id = params.get("ExternalId", [None])[0]
    if external_id is not None and not EXTERNAL_ID.fullmatch(external_id):
        return invalid("1 validation error detected: Value at 'externalId' failed to satisfy constraint")
    duration = int(params.get("DurationSeconds", ["3600"])[0])
    if not SHORTEST <= duration <= LONGEST:
        return invalid("1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint")
    role_arn = params.get("RoleArn", [""])[0]
    parts = role_arn.split(":", 5)
    role = iam._roles.get_scoped(parts[4], None, parts[5].rsplit("/", 1)[-1]) if len(parts) == 6 else None
    if principal is None or role is None:
        return None
    if principal.type == "AssumedRole" and duration > CHAINED:
        return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
    if duration > int(role.get("MaxSessionDuration") or 3600):
        return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    tagged = any(name.startswith("Tags.") for name in params)
    if tagged and parts[4] != principal.account and policies.decide(principal, "sts:TagSession", role_arn, "", None):
        message = f"User: {principal.arn} is not authorized to perform: sts:TagSession on resource: {role_arn}"
        return sts._error(403, "AccessDenied", message, ns="sts")
    return None


async def handle_request(method, path, headers, body, query_params):
    params = {**query_params, **parse_qs((body or b"").decode("utf-8", errors="replace"))}
    if params.get("Action", [""])[0] == "AssumeRole":
        error = rejection(params, policies.caller_of(headers, query_params))
        if error is not None:
            return error
    return await original_handle(method, path, headers, body, query_params)


def install():
    global original_handle
    original_handle, sts.handle_request = sts.handle_request, handle_request
