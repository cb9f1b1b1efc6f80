"""The APIs against their OpenAPI descriptions, with schemathesis: requests that these allow and requests that they do not.
No response may be a server error or undocumented."""

import json
import re
import sysconfig
from pathlib import Path

from stack import cargo, latchkey, processes, servers
from stack.checks.outcome import Outcome
from stack.demo.api_client import ApiClient
from stack.paths import ROOT

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
# The same requests in every run, so that a failure can be reproduced.
SEED = 20260101
EXAMPLES = 15
# The customers' API reads its input as the admin API does, and limits the requests of an address and of an invite: each of these paths
# gets an invite of its own.
CUSTOMER_PATHS = ("^/customer/v1/(templates|validate)", "^/customer/v1/(connection|removal|storage-configs|verifications)")
CUSTOMER_EXAMPLES = 2
CUSTOMER_RATE = "18/s"
# Operations on a tenant run twice: on this one, except those that delete something, and on tenants that do not exist.
TENANT = "acme"
CUSTOMER = "globex"
DELETING = ("offboardTenant", "deleteWebhook", "removeContact")
STORAGE_CONFIG = {
    "mode": "direct",
    "bucket_arn": "arn:aws:s3:::acme-documents",
    "bucket_region": "us-east-1",
    "key_arn": "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}
TESTED = re.compile(r"^\s+Tested: (\d+)")
PROBLEMS = re.compile(r"found (\d+) unique failure|^\s+🚫 .+: (\d+)$")
SETTINGS = {"LATCHKEY_PROPAGATION_WINDOW": "0s"}


def test(folder):
    """Counts each operation once per run."""
    own = folder / "fuzzing"
    own.mkdir()
    binary = cargo.built()
    tested = failed = 0
    with servers.running(own, SETTINGS, binary, fast=True) as running:
        url = running.client_env["LATCHKEY_URL"]
        # No role may use both parts of the API.
        tokens = {role: latchkey.create_token(binary, running.latchkey_env, role=role, name=f"fuzz-{role}") for role in ("admin", "service")}
        existing = create_resources(ApiClient(url, tokens["admin"]))
        for role, paths in (("admin", "^/v1"), ("service", "^/internal/v1")):
            for name, config in (("existing", existing), ("unknown", "")):
                settings = own / f"{role}-{name}.toml"
                settings.write_text(config)
                excluded = DELETING if config and role == "admin" else ()
                counts = run(settings, url, tokens[role], paths, excluded)
                tested, failed = tested + counts[0], failed + counts[1]
        settings, public, api = own / "customer.toml", running.client_env["LATCHKEY_PUBLIC_URL"], ApiClient(url, tokens["admin"])
        settings.write_text(create_customer(api, public))
        more = ("--rate-limit", CUSTOMER_RATE)
        for paths in CUSTOMER_PATHS:
            counts = run(settings, public, create_customer_token(api), paths, (), "openapi-customer.json", CUSTOMER_EXAMPLES, more)
            tested, failed = tested + counts[0], failed + counts[1]
    return Outcome(tested - min(tested, failed), failed)


def create_resources(api):
    """Creates a tenant with one resource of each kind, and returns the settings with which schemathesis addresses them."""
    api.post("/v1/tenants", {"slug": TENANT, "name": "Acme"}, 201)
    api.post(f"/v1/tenants/{TENANT}/invites", {}, 201)
    contact = api.post(f"/v1/tenants/{TENANT}/contacts", {"name": "Jo", "email": "jo@acme.example"}, 201)["id"]
    submitted = api.post(f"/v1/tenants/{TENANT}/storage-configs", STORAGE_CONFIG, 202)
    verification = submitted["verification"]["id"]
    # Its event stream ends only when it has finished.
    api.follow(verification, lambda _: None)
    webhook = api.post("/v1/webhooks", {"url": "https://hooks.invalid/latchkey"}, 201)["id"]
    delivery = api.post(f"/v1/webhooks/{webhook}/test", {}, 202)["id"]
    parameters = {
        "/contacts/": {"path.tenant": TENANT, "path.id": contact},
        "/tenants/": {"path.tenant": TENANT, "path.version": submitted["version"]},
        "^/v1/verifications/": {"path.id": verification},
        "^/v1/webhooks/": {"path.id": webhook, "path.delivery": delivery},
    }
    return tables(parameters)


def create_customer(api, public):
    """Creates a tenant with a verification, and returns the settings with which schemathesis addresses it."""
    api.post("/v1/tenants", {"slug": CUSTOMER, "name": "Globex"}, 201)
    submission = STORAGE_CONFIG | {"bucket_arn": "arn:aws:s3:::globex-documents"}
    submitted = ApiClient(public, create_customer_token(api)).post("/customer/v1/storage-configs", submission, 202)
    verification = submitted["verification"]["id"]
    api.follow(verification, lambda _: None)
    return tables({"/verifications/": {"path.id": verification}, "/storage-configs/": {"path.version": submitted["version"]}})


def create_customer_token(api):
    return api.post(f"/v1/tenants/{CUSTOMER}/invites", {"api_token": True}, 201)["api_token"]


def tables(parameters):
    """One table per path: schemathesis uses only the first that matches."""
    return "".join(
        f'[[operations]]\ninclude-path-regex = "{paths}"\n'
        f"parameters = {{ {', '.join(f'{name!r} = {json.dumps(value)}' for name, value in known.items())} }}\n"
        for paths, known in parameters.items()
    )


def run(settings, url, token, paths, excluded, document="openapi.json", examples=EXAMPLES, more=()):
    """How many operations were tested, and how many failures were found."""
    counts = [0, 0]

    def read(line):
        if found := TESTED.search(line):
            counts[0] += int(found[1])
        if found := PROBLEMS.search(line):
            counts[1] += sum(int(count) for count in found.groups() if count)

    tool = Path(sysconfig.get_path("scripts")) / "schemathesis"
    command = [str(tool), "--no-color", "--config-file", str(settings), "run", str(ROOT / document), "--url", url]
    command += ["--include-path-regex", paths, *(part for id in excluded for part in ("--exclude-operation-id", id))]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"]
    command += ["--seed", str(SEED), "--max-examples", str(examples), "--generation-database", "none", "--continue-on-failure"]
    command += ["--warnings", "off", "--request-timeout", "10", *more]
    code = processes.run(command, cwd=settings.parent, on_line=read)
    return counts[0], max(counts[1], int(code != 0))
