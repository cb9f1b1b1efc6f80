"""The story: three tenants come on board, one of them with a permission missing, and an internal service asks for each."""

import copy
import json
from dataclasses import dataclass

from stack import terminal
from stack.demo.customer import Customer
from stack.terminal import line, paint

MARKS = {
    "passed": ("✓", "green"),
    "failed": ("✗", "red"),
    "warning": ("!", "yellow"),
    "skipped": ("–", "dim"),
    "inconclusive": ("?", "yellow"),
}


@dataclass(frozen=True)
class Tenant:
    slug: str
    name: str
    mode: str
    account: str
    # An action that is left out of the documents that grant it.
    forgets: str | None = None


TENANTS = (
    Tenant("acme", "Acme Corporation", "assume_role", "222222222222"),
    Tenant("globex", "Globex", "direct", "333333333333"),
    Tenant("initech", "Initech", "assume_role", "444444444444", forgets="kms:Decrypt"),
)
# Who may call the key: what has to be left out of both for an action to be missing.
KEY_DOCUMENTS = ("role-permissions", "key-policy")


class Story:
    """Told on the terminal. What did not come out as it has to is in `surprises`."""

    def __init__(self, ops, service, values):
        self.ops = ops
        self.service = service
        self.values = values
        self.surprises = []

    def expect(self, what, met):
        if not met:
            self.surprises.append(what)
            line(paint(f"✗ not as expected: {what}", "red", "bold"))

    def tell(self):
        for tenant in TENANTS:
            try:
                self.onboard(tenant)
            except Exception as error:
                # One tenant's trouble is no reason not to show the others.
                self.expect(f"{tenant.slug} is taken on board ({type(error).__name__}: {error})", False)

    def onboard(self, tenant):
        told = f"{tenant.name} ({tenant.slug}) comes on board, mode {tenant.mode}"
        terminal.heading(told + (f", and forgets {tenant.forgets}" if tenant.forgets else ""))
        customer = Customer(tenant.account, tenant.slug, self.values["AWS_ENDPOINT_URL"], self.values["AWS_REGION"])

        body = {"slug": tenant.slug, "name": tenant.name, "modes": [tenant.mode]}
        created = self.ops.post("/v1/tenants", body, 201)
        step("POST /v1/tenants", f"external ID {paint(created['external_id'], 'bold')}")
        self.expect(f"{tenant.slug} starts as invited", created["status"] == "invited")

        customer.make_bucket_and_key()
        step(f"account {tenant.account}", f"has the bucket {customer.bucket}")
        step("", f"and the key {customer.key_arn}")

        self.apply_documents(tenant, customer)

        submission = {
            "mode": tenant.mode,
            "bucket_arn": customer.bucket_arn,
            "bucket_region": customer.region,
            "key_arn": customer.key_arn,
        }
        if tenant.mode == "assume_role":
            submission["role_arn"] = customer.role_arn
        submitted = self.ops.post(f"/v1/tenants/{tenant.slug}/storage-configs", submission, 202)
        step(f"POST …/{tenant.slug}/storage-configs", f"version {submitted['version']}, is being verified")
        verification = self.follow(submitted["verification"]["id"])
        if tenant.forgets:
            verification = self.mend(tenant, customer, verification)
        self.expect(f"{tenant.slug} is verified", verification["verdict"] == "verified")

        self.read_as_internal_service(tenant, created, submission)
        left = customer.probe_objects()
        self.expect(f"no probe object is left in {customer.bucket} ({', '.join(left)})", not left)

    def apply_documents(self, tenant, customer):
        asked = {"mode": tenant.mode, "format": "json", "bucket": customer.bucket, "key_arn": customer.key_arn}
        if tenant.mode == "assume_role":
            asked |= {"role_name": customer.role_name, "account_id": customer.account}
        issued = self.ops.get(f"/v1/tenants/{tenant.slug}/templates", **asked)
        step(f"GET …/{tenant.slug}/templates", f"{len(issued['documents'])} documents, applied as they are:")
        for document in issued["documents"]:
            name, body = document["document"], document["body"]
            note = ""
            if tenant.forgets and name in KEY_DOCUMENTS:
                body = without_action(body, tenant.forgets)
                note = paint(f"  (without {tenant.forgets})", "yellow")
            customer.apply(name, body)
            line(f"{paint('→', 'cyan')} {name.ljust(18)} {paint(document['apply_to'], 'dim')}{note}", indent=4)

    def follow(self, verification):
        finished = self.ops.follow(verification, show_check)
        colour = "green" if finished["verdict"] == "verified" else "red"
        step("verdict", paint(finished["verdict"], colour, "bold"))
        return finished

    def mend(self, tenant, customer, verification):
        """Reads the diagnosis, adds the missing statement, and verifies again."""
        failed = [check for check in verification["checks"] if check["required"] and check["status"] == "failed"]
        names = sorted(check["name"] for check in failed)
        self.expect(f"{tenant.slug} is rejected at first", verification["verdict"] == "rejected")
        self.expect(f"exactly key-decrypt-allowed fails ({', '.join(names)})", names == ["key-decrypt-allowed"])
        for check in failed:
            self.show_diagnosis(check)
            fix = check["fix"]
            customer.add_statement(fix["document"], fix["statement"])
            step(f"account {tenant.account}", f"puts the statement into its {fix['document']}")
        again = self.ops.post(f"/v1/tenants/{tenant.slug}/verifications", {}, 202)
        step(f"POST …/{tenant.slug}/verifications", "verifies again")
        return self.follow(again["id"])

    @staticmethod
    def show_diagnosis(check):
        line()
        line(paint(f"What is wrong: {check['name']}", "bold"), indent=4)
        for text in (check["summary"], check["detail"], check["fix"]["summary"]):
            if text:
                terminal.paragraph(text, indent=4)
        line(f"{check['fix']['action']} in {check['fix']['document']}:", indent=4)
        for row in json.dumps(check["fix"]["statement"], indent=2).splitlines():
            line(paint(row, "cyan"), indent=6)
        line()

    def read_as_internal_service(self, tenant, created, submission):
        path = f"/internal/v1/tenants/{tenant.slug}/storage-config"
        found = self.service.get(path)
        step(f"GET /internal/…/{tenant.slug}/storage-config", f"{paint(found['status'], 'green')}, {found['bucket_arn']} in {found['region']}")
        role = "LATCHKEY_STORAGE_ROLE_ARN" if tenant.mode == "assume_role" else "LATCHKEY_DIRECT_ROLE_ARN"
        wanted = {
            "slug": tenant.slug,
            "status": "active",
            "version": 1,
            "mode": tenant.mode,
            "bucket": submission["bucket_arn"].rpartition(":")[2],
            "bucket_arn": submission["bucket_arn"],
            "region": submission["bucket_region"],
            "key_arn": submission["key_arn"],
            "role_arn": submission.get("role_arn"),
            "external_id": created["external_id"],
            "vendor_role_arn": self.values[role],
            "bucket_account_id": tenant.account,
        }
        for field, value in wanted.items():
            self.expect(f"internal services get {field} {value!r} of {tenant.slug} ({found.get(field)!r})", found.get(field) == value)


def without_action(body, action):
    body = copy.deepcopy(body)
    for statement in body.get("Statement", [body]):
        if action in statement["Action"]:
            statement["Action"].remove(action)
    return body


def step(what, value):
    terminal.pair(what, value, label_width=42)


def show_check(check):
    mark, colour = MARKS[check["status"]]
    took = "" if check["duration_ms"] is None else f"{check['duration_ms']} ms"
    told = check["summary"]
    if check["skipped_because"]:
        told = f"because of {check['skipped_because']}"
    name = check["name"].ljust(31)
    room = max(20, terminal.width() - 49)
    if len(told) > room and check["status"] != "failed":
        told = told[: room - 1] + "…"
    line(f"{paint(mark, colour)} {paint(name, *([colour] if check['status'] != 'passed' else []))}{took.rjust(8)}  {paint(told, 'dim')}", indent=4)
