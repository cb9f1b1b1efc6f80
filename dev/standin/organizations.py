"""Organizations: member accounts, and service and resource control policies. MiniStack stores the policies, and applies none.

An account becomes the management account of its own organization with its first call. Others join by invitation.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_evaluation.html
"""

import json
import time
import uuid

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id
from ministack.services import organizations

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
NAMES = {SCP: "service control policy", RCP: "resource control policy"}
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services
RCP_SERVICES = {"s3", "sts", "kms", "sqs", "secretsmanager", "dynamodb"}

_handshakes = {}


def membership(account):
    """The management account of the account's organization, and the account's record there."""
    own = None
    for (master, name), record in list(organizations._accounts.to_dict().items()):
        if name == account and master == account:
            own = master, record
        elif name == account:
            return master, record
    return own


def organization_id(account):
    found = membership(account)
    return organizations._orgs.get_scoped(found[0], None, "self")["Id"] if found else None


def parents(account):
    """The IDs of the account's organizational units, from the root on."""
    master, record = membership(account)
    path, parent = [], record["_ParentId"]
    while parent:
        path.insert(0, parent)
        unit = organizations._ous.get_scoped(master, None, parent)
        parent = (unit or {}).get("_ParentId")
    return path


def organization_path(account):
    return "/".join([organization_id(account), *parents(account)]) + "/" if membership(account) else None


def are_together(one, other):
    """In the same account or organization: then AWS gives the reasons for a denial."""
    organization = organization_id(one)
    return one == other or organization is not None and organization == organization_id(other)


def levels(account, kind):
    """The policies of this kind that apply to a member account, for each level of its organization."""
    found = membership(account)
    # Nothing applies to the management account.
    if not found or found[0] == account:
        return []
    master = found[0]
    path = parents(account)
    enabled = organizations._roots.get_scoped(master, None, path[0])["PolicyTypes"]
    if {"Type": kind, "Status": "ENABLED"} not in enabled:
        return []
    attached = [(policy, organizations._attachments.get_scoped(master, None, policy["Id"]) or [])
                for (owner, _), policy in organizations._policies.to_dict().items() if owner == master and policy["Type"] == kind]
    return [[(policy["Arn"], iam_evaluator.parse_policy_document(policy["_Content"])) for policy, targets in attached if target in targets]
            for target in [*path, account]]


def denial(ctx, owner):
    """Why these policies deny a request on a resource of `owner`: (whether explicitly, the reason), or None."""
    if not organizations._orgs.to_dict():
        return None
    resource_levels = levels(owner, RCP) if owner and ctx.action.split(":")[0] in RCP_SERVICES else []
    caller_levels = levels(ctx.principal_account, SCP)
    for kind, all_levels in ((RCP, resource_levels), (SCP, caller_levels)):
        for arn, statements in (policy for level in all_levels for policy in level):
            if iam_evaluator._first_match(ctx, statements, "Deny"):
                return True, f"with an explicit deny in a {NAMES[kind]}: {arn}"
    for level in caller_levels:
        if not any(iam_evaluator._first_match(ctx, statements, "Allow") for _, statements in level):
            return False, f"because no {NAMES[SCP]} allows the {ctx.action} action"
    return None


def invite(payload):
    organizations._ensure_org()
    account = (payload.get("Target") or {}).get("Id")
    master, organization = get_account_id(), organizations._orgs["self"]["Id"]
    if organizations._accounts.get(account):
        return error_response_json("DuplicateAccountException", "The account is already a member of the organization.", 400)
    identifier = f"h-{uuid.uuid4().hex[:10]}"
    handshake = {
        "Id": identifier,
        "Arn": f"arn:aws:organizations::{master}:handshake/{organization}/invite/{identifier}",
        "Parties": [{"Id": organization.removeprefix("o-"), "Type": "ORGANIZATION"}, {"Id": account, "Type": "ACCOUNT"}],
        "State": "OPEN", "RequestedTimestamp": int(time.time()), "ExpirationTimestamp": int(time.time()) + 15 * 86400, "Action": "INVITE",
    }
    _handshakes[identifier] = master, handshake
    return organizations._json(200, {"Handshake": handshake})


def accept(payload):
    master, handshake = _handshakes.get(payload.get("HandshakeId"), (None, None))
    account = get_account_id()
    if handshake is None or handshake["Parties"][1]["Id"] != account:
        return error_response_json("HandshakeNotFoundException", "We can't find a handshake with that ID.", 400)
    organization = organizations._orgs.get_scoped(master, None, "self")["Id"]
    root = next(root for (owner, root) in organizations._roots.to_dict() if owner == master)
    organizations._accounts.set_scoped(master, None, account, {
        "Id": account, "Arn": f"arn:aws:organizations::{master}:account/{organization}/{account}", "Email": f"{account}@example.com",
        "Name": account, "Status": "ACTIVE", "JoinedMethod": "INVITED", "JoinedTimestamp": int(time.time()), "Path": "/", "_ParentId": root})
    everyone = organizations.FULL_ACCESS_POLICY_ID
    targets = organizations._attachments.get_scoped(master, None, everyone) or []
    organizations._attachments.set_scoped(master, None, everyone, [*targets, account])
    handshake["State"] = "ACCEPTED"
    return organizations._json(200, {"Handshake": handshake})


def remove(payload):
    account = payload.get("AccountId")
    if organizations._accounts.pop(account, None) is None:
        return error_response_json("AccountNotFoundException", "You specified an account that doesn't exist.", 400)
    for policy, targets in list(organizations._attachments.items()):
        organizations._attachments[policy] = [target for target in targets if target != account]
    return organizations._json(200, {})


def create_unit(payload):
    """A new organizational unit has `FullAWSAccess` attached."""
    status, headers, body = original_create_unit(payload)
    if status == 200:
        everyone, unit = organizations.FULL_ACCESS_POLICY_ID, json.loads(body)["OrganizationalUnit"]["Id"]
        organizations._attachments[everyone] = [*(organizations._attachments.get(everyone) or []), unit]
    return status, headers, body


def reset():
    _handshakes.clear()
    original_reset()


def install():
    global original_reset, original_create_unit
    original_create_unit = organizations._DISPATCH["CreateOrganizationalUnit"]
    original_reset, organizations.reset = organizations.reset, reset
    iam_evaluator._principal_org_id = organization_id
    organizations._DISPATCH |= {
        "CreateOrganizationalUnit": create_unit, "InviteAccountToOrganization": invite, "AcceptHandshake": accept, "RemoveAccountFromOrganization": remove}
