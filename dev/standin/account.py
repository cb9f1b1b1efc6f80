"""Account Management: opt-in regions that an account disables, and regions in which it deactivates STS. Unlike in AWS, all of them are
enabled at first. In AWS, STS is deactivated in the console only, so the paths for it are the stand-in's own.

https://docs.aws.amazon.com/accounts/latest/APIReference/API_DisableRegion.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
"""

import json

from ministack.core.responses import error_response_json, get_account_id
from ministack.services import account

# Of an account and a region.
_disabled = set()
_without_sts = set()
# STS cannot be deactivated there.
ALWAYS_ACTIVE = "us-east-1"


def is_disabled(account_id, region):
    return (account_id, region) in _disabled


def is_sts_active(account_id, region):
    return (account_id, region) not in _without_sts


def set_sts(path, body):
    region = json.loads(body or b"{}").get("RegionName")
    if not region or region == ALWAYS_ACTIVE:
        return error_response_json("ValidationException", f"STS cannot be deactivated in {region}", 400)
    change = _without_sts.add if path == "/deactivateSts" else _without_sts.discard
    change((get_account_id(), region))
    return 200, {"Content-Type": "application/json"}, b""


def set_region(path, body):
    region = json.loads(body or b"{}").get("RegionName")
    if region not in account._OPT_IN_REQUIRED:
        return error_response_json("ValidationException", f"{region} is not an opt-in region", 400)
    change = _disabled.add if path == "/disableRegion" else _disabled.discard
    change((get_account_id(), region))
    return 200, {"Content-Type": "application/json"}, b""


async def handle_request(method, path, headers, body, query_params):
    if method == "POST" and path.rstrip("/") in ("/disableRegion", "/enableRegion"):
        return set_region(path.rstrip("/"), body)
    if method == "POST" and path.rstrip("/") in ("/deactivateSts", "/activateSts"):
        return set_sts(path.rstrip("/"), body)
    return await original_handle(method, path, headers, body, query_params)


def get_region_opt_status(payload):
    if is_disabled(get_account_id(), payload.get("RegionName")):
        return account._json(200, {"RegionName": payload["RegionName"], "RegionOptStatus": "DISABLED"})
    return original_opt_status(payload)


def reset():
    _disabled.clear()
    _without_sts.clear()
    original_reset()


def install():
    global original_handle, original_opt_status, original_reset
    original_handle, account.handle_request = account.handle_request, handle_request
    original_opt_status = account._get_region_opt_status
    account._DISPATCH["/getRegionOptStatus"] = get_region_opt_status
    original_reset, account.reset = account.reset, reset
