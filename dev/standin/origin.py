"""Where a request comes from: loopback, unless a test says otherwise with the headers below. AWS knows it from the network.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-network-properties
"""

import contextvars

from ministack.core import iam_evaluator

# By header, the condition key of which it is the value.
HEADERS = {
    "x-standin-source-ip": "aws:sourceip",
    "x-standin-source-vpce": "aws:sourcevpce",
    "x-standin-source-vpc": "aws:sourcevpc",
    "x-standin-vpce-account": "aws:vpceaccount",
    "x-standin-vpce-org": "aws:vpceorgid",
}
KEYS = {*HEADERS.values(), "aws:vpcsourceip", "aws:viaawsservice", "aws:calledvia", "aws:securetransport", "s3:tlsversion"}
# What CloudTrail shows as the address of a service that calls another one on behalf of a principal.
SERVICE_ADDRESS = "AWS Internal"

# The policy of the VPC endpoint, as JSON. Without this header the endpoint has the default policy, which allows everything.
POLICY_HEADER = "x-standin-vpce-policy"

_policy: contextvars.ContextVar[str | None] = contextvars.ContextVar("endpoint_policy", default=None)
_given: contextvars.ContextVar[dict | None] = contextvars.ContextVar("origin", default=None)


def pin_request_caller(headers, query_params=None):
    _given.set({key: headers[name] for name, key in HEADERS.items() if headers.get(name)})
    _policy.set(headers.get(POLICY_HEADER))
    return original_pin(headers, query_params)


def denial(ctx):
    """Why the policy of the VPC endpoint, whatever its principals, denies a request: (whether explicitly, the reason), or None. A service that calls another one on
    behalf of a principal does not use the endpoint.

    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """
    if _policy.get() is None or ctx.service_context.get("aws:calledvia"):
        return None
    statements = iam_evaluator.parse_policy_document(_policy.get())
    if iam_evaluator._first_match(ctx, statements, "Deny"):
        return True, "with an explicit deny in a VPC endpoint policy"
    if not iam_evaluator._first_match(ctx, statements, "Allow"):
        return False, f"because no VPC endpoint policy allows the {ctx.action} action"
    return None


def value(key, ctx):
    """The value of one of `KEYS` in a request, or None."""
    given = _given.get() or {}
    service = ctx.service_context.get("aws:calledvia")
    if key == "aws:viaawsservice":
        return str(service is not None).lower()
    if key == "aws:calledvia":
        return service
    if key == "aws:securetransport":
        return "true" if service else str(ctx.secure_transport).lower()
    if key == "s3:tlsversion":
        return "1.3" if ctx.secure_transport else None
    if service:
        # A service does not pass on the network of the request that it serves.
        return SERVICE_ADDRESS if key == "aws:sourceip" else None
    address = given.get("aws:sourceip", ctx.source_ip)
    through_endpoint = "aws:sourcevpce" in given
    if key in ("aws:sourceip", "aws:vpcsourceip"):
        return address if through_endpoint == (key == "aws:vpcsourceip") else None
    return given.get(key)


def install():
    global original_pin
    original_pin, iam_evaluator.pin_request_caller = iam_evaluator.pin_request_caller, pin_request_caller
