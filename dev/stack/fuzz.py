"""The API against its own description: schemathesis sends what openapi.json allows and what it does not; no answer may be a
server error, or one that is not written down."""

import contextlib
import json
import re
import sysconfig
from pathlib import Path

from stack import caller, cargo, latchkey, processes, site
from stack.demo.api import Api
from stack.places import ROOT

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
# The same requests in every run, so that a red one can be looked into.
SEED = 20260101
EXAMPLES = 25
# Everything that is about a tenant is asked about this one, but for what ends it, and once more about nobody knows whom.
TENANT = "acme"
ENDING = ["--exclude-operation-id", "delete_tenants_tenant", "--exclude-operation-id", "delete_webhooks_id"]
# By role, as no role may use both parts of the API.
RUNS = (
    ("admin", "^/v1", True, ENDING),
    ("admin", "^/v1", False, []),
    ("service", "^/internal/v1", True, []),
    ("service", "^/internal/v1", False, []),
)
STORAGE = {
    "mode": "direct",
    "bucket_arn": "arn:aws:s3:::acme-documents",
    "bucket_region": "us-east-1",
    "key_arn": "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}
TESTED = re.compile(r"^\s+Tested: (\d+)")
PROBLEMS = re.compile(r"found (\d+) unique failure|^\s+🚫 .+: (\d+)$")
SETTINGS = {"LATCHKEY_PROPAGATION_WINDOW": "0s"}


def test(folder):
    """How many operations were tested, each run by itself; how many failures were found; and a remark."""
    place = folder / "fuzz"
    place.mkdir()
    with contextlib.ExitStack() as stack:
        running = site.start(place, caller.without_wishes() | SETTINGS, cargo.built(), fast=True)
        for process in running.processes:
            stack.callback(process.stop)
        url = running.values["LATCHKEY_URL"]
        tokens = {role: latchkey.make_token(cargo.built(), running.env, role=role, name=f"fuzz-{role}") for role in ("admin", "service")}
        known = prepare(Api(url, tokens["admin"]))
        tested, failed = 0, 0
        for role, paths, is_known, more in RUNS:
            settings = place / f"{role}-{is_known}.toml"
            settings.write_text(known if is_known else "")
            counts = run(settings, url, tokens[role], ["--include-path-regex", paths, *more])
            tested, failed = tested + counts[0], failed + counts[1]
    return tested - min(tested, failed), failed, ""


def prepare(ops):
    """Makes a tenant with something of everything, and returns the settings by which it is asked about."""
    ops.post("/v1/tenants", {"slug": TENANT, "name": "Acme"}, 201)
    ops.post(f"/v1/tenants/{TENANT}/invites", {}, 201)
    submitted = ops.post(f"/v1/tenants/{TENANT}/storage-configs", STORAGE, 202)
    verification = submitted["verification"]["id"]
    # A stream ends with its verification.
    ops.follow(verification, lambda *_: None)
    hook = ops.post("/v1/webhooks", {"url": "https://hooks.invalid/latchkey"}, 201)["id"]
    delivery = ops.post(f"/v1/webhooks/{hook}/test", {}, 202)["id"]
    # Of several tables for one path only one would count.
    about = {
        "/tenants/": {"path.tenant": TENANT, "path.version": submitted["version"]},
        "^/v1/verifications/": {"path.id": verification},
        "^/v1/webhooks/": {"path.id": hook, "path.delivery": delivery},
    }
    pairs = {paths: ", ".join(f'"{name}" = {json.dumps(value)}' for name, value in known.items()) for paths, known in about.items()}
    return "".join(f'[[operations]]\ninclude-path-regex = "{paths}"\nparameters = {{ {known} }}\n' for paths, known in pairs.items())


def run(settings, url, token, which):
    counts = [0, 0]

    def hear(line):
        if found := TESTED.search(line):
            counts[0] += int(found[1])
        if found := PROBLEMS.search(line):
            counts[1] += sum(int(count) for count in found.groups() if count)

    tool = Path(sysconfig.get_path("scripts")) / "schemathesis"
    command = [str(tool), "--no-color", "--config-file", str(settings), "run", str(ROOT / "openapi.json"), "--url", url, *which]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"]
    command += ["--seed", str(SEED), "--max-examples", str(EXAMPLES), "--generation-database", "none", "--continue-on-failure"]
    command += ["--warnings", "off", "--request-timeout", "10"]
    code = processes.run(command, cwd=settings.parent, on_line=hear)
    return counts[0], max(counts[1], int(code != 0))
