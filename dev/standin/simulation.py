"""IAM's policy simulator: it needs permission for the role that it is asked about, which must be in the caller's account.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from ministack.core import iam_actions
from ministack.core.responses import get_account_id
from ministack.services import iam


def resource_arn(service, method, path, headers, body, query_params, region, account_id):
    source = iam_actions._query_param(query_params, "PolicySourceArn") if service == "iam" else None
    return source or original_resource_arn(service, method, path, headers, body, query_params, region, account_id)


def simulate(params):
    arn = iam._p(params, "PolicySourceArn") or ""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    name = name.rsplit("/", 1)[-1]
    found = {"role": iam._roles, "user": iam._users}.get(kind, {}).get(name)
    if found is None or found["Arn"] != arn:
        return iam._error(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.", ns="iam")
    # MiniStack looks for the policies of a name without a path.
    named = f"arn:aws:iam::{get_account_id()}:{kind}/{name}"
    return original_simulate({**params, "PolicySourceArn": [named]})


def install():
    global original_resource_arn, original_simulate
    original_resource_arn, iam_actions.extract_resource_arn = iam_actions.extract_resource_arn, resource_arn
    original_simulate = iam._simulate_principal_policy
    for table in (value for value in vars(iam).values() if isinstance(value, dict)):
        if table.get("SimulatePrincipalPolicy") is original_simulate:
            table["SimulatePrincipalPolicy"] = simulate
