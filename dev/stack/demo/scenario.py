"""The demo's scenario: three tenants are onboarded, one of them with a missing permission, and an internal service reads each."""

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
    # An action removed from the documents that grant it.
    missing: str | None = None


TENANTS = (
    Tenant("acme", "Acme Corporation", "assume_role", "222222222222"),
    Tenant("globex", "Globex", "direct", "333333333333"),
    Tenant("initech", "Initech", "assume_role", "444444444444", missing="kms:Decrypt"),
)
# Both grant access to the key: an action is missing only if neither grants it.
KEY_DOCUMENTS = ("role-permissions", "key-policy")


class Scenario:
    """Shown on the terminal. `failures` collects what did not go as expected."""

    def __init__(self, admin, service, values, mailbox):
        self.mailbox = mailbox
        self.admin = admin
        self.service = service
        self.values = values
        self.failures = []
        self.customers = {}

    def expect(self, what, met):
        if not met:
            self.failures.append(what)
            line(paint(f"✗ not as expected: {what}", "red", "bold"))

    def play(self):
        for tenant in TENANTS:
            try:
                self.onboard(tenant)
            except Exception as error:
                # Still show the other tenants.
                self.expect(f"{tenant.slug} is onboarded ({type(error).__name__}: {error})", False)

    def onboard(self, tenant):
        title = f"Onboarding {tenant.name} ({tenant.slug}), mode {tenant.mode}"
        terminal.heading(title + (f", without {tenant.missing}" if tenant.missing else ""))
        customer = Customer(tenant.account, tenant.slug, self.values["AWS_ENDPOINT_URL"], self.values["AWS_REGION"])
        self.customers[tenant.slug] = customer

        body = {"slug": tenant.slug, "name": tenant.name, "modes": [tenant.mode]}
        created = self.admin.post("/v1/tenants", body, 201)
        step("POST /v1/tenants", f"external ID {paint(created['external_id'], 'bold')}")
        self.expect(f"{tenant.slug} starts as invited", created["status"] == "invited")

        if tenant.missing:
            self.mailbox.add_contact(tenant.slug, "Bill Lumbergh", contact_of(tenant))
            step("contact", f"{contact_of(tenant)}, who confirmed the address")
        customer.create_bucket_and_key()
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
        submitted = self.admin.post(f"/v1/tenants/{tenant.slug}/storage-configs", submission, 202)
        step(f"POST …/{tenant.slug}/storage-configs", f"version {submitted['version']}, verification started")
        verification = self.follow(submitted["verification"]["id"])
        if tenant.missing:
            verification = self.fix(tenant, customer, verification)
        self.expect(f"{tenant.slug} is verified", verification["verdict"] == "verified")

        self.read_as_internal_service(tenant, created, submission)
        remaining = customer.probe_objects()
        self.expect(f"no probe object remains in {customer.bucket} ({', '.join(remaining)})", not remaining)

    def apply_documents(self, tenant, customer):
        query = {"mode": tenant.mode, "format": "json", "bucket": customer.bucket, "key_arn": customer.key_arn}
        if tenant.mode == "assume_role":
            query |= {"role_name": customer.role_name, "account_id": customer.account}
        issued = self.admin.get(f"/v1/tenants/{tenant.slug}/templates", **query)
        step(f"GET …/{tenant.slug}/templates", f"{len(issued['documents'])} documents, applied unchanged:")
        for document in issued["documents"]:
            name, body = document["document"], document["body"]
            note = ""
            if tenant.missing and name in KEY_DOCUMENTS:
                body = without_action(body, tenant.missing)
                note = paint(f"  (without {tenant.missing})", "yellow")
            customer.apply(name, body)
            line(f"{paint('→', 'cyan')} {name.ljust(18)} {paint(document['apply_to'], 'dim')}{note}", indent=4)

    def follow(self, verification):
        finished = self.admin.follow(verification, show_check)
        color = "green" if finished["verdict"] == "verified" else "red"
        step("verdict", paint(finished["verdict"], color, "bold"))
        return finished

    def fix(self, tenant, customer, verification):
        """Shows the diagnosis, applies its fix, and verifies again."""
        failed = [check for check in verification["checks"] if check["required"] and check["status"] == "failed"]
        names = sorted(check["name"] for check in failed)
        self.expect(f"{tenant.slug} is rejected first", verification["verdict"] == "rejected")
        self.expect(f"only key-decrypt-allowed fails ({', '.join(names)})", names == ["key-decrypt-allowed"])
        told = self.mailbox.wait_for(contact_of(tenant), "Action required")
        step("mail", told["subject"])
        self.expect("the mail has the fix", all(check["fix"]["statement"]["Sid"] in told["text"] for check in failed))
        for check in failed:
            self.show_diagnosis(check)
            fix = check["fix"]
            customer.add_statement(fix["document"], fix["statement"])
            step(f"account {tenant.account}", f"adds the statement to its {fix['document']}")
        again = self.admin.post(f"/v1/tenants/{tenant.slug}/verifications", {}, 202)
        step(f"POST …/{tenant.slug}/verifications", "verifies again")
        return self.follow(again["id"])

    @staticmethod
    def show_diagnosis(check):
        line()
        line(paint(f"Failed check: {check['name']}", "bold"), indent=4)
        for text in (check["summary"], check["detail"], check["fix"]["summary"]):
            if text:
                terminal.paragraph(text, indent=4)
        line(f"{check['fix']['action']} in {check['fix']['document']}:", indent=4)
        for row in json.dumps(check["fix"]["statement"], indent=2).splitlines():
            line(paint(row, "cyan"), indent=6)
        line()

    def read_as_internal_service(self, tenant, created, submission):
        path = f"/internal/v1/tenants/{tenant.slug}/storage-config"
        config = self.service.wait_for(path)
        step(f"GET /internal/…/{tenant.slug}/storage-config", f"{paint(config['status'], 'green')}, {config['bucket_arn']} in {config['region']}")
        role = "LATCHKEY_STORAGE_ROLE_ARN" if tenant.mode == "assume_role" else "LATCHKEY_DIRECT_ROLE_ARN"
        expected = {
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
        for field, value in expected.items():
            self.expect(f"internal services read {field} {value!r} of {tenant.slug} ({config.get(field)!r})", config.get(field) == value)


def contact_of(tenant):
    return f"bill@{tenant.slug}.example"


def without_action(body, action):
    body = copy.deepcopy(body)
    for statement in body.get("Statement", [body]):
        if action in statement["Action"]:
            statement["Action"].remove(action)
    return body


def step(what, value):
    terminal.pair(what, value, label_width=42)


def show_check(check):
    mark, color = MARKS[check["status"]]
    duration = "" if check["duration_ms"] is None else f"{check['duration_ms']} ms"
    summary = check["summary"]
    if check["skipped_because"]:
        summary = f"because of {check['skipped_because']}"
    name = check["name"].ljust(31)
    room = max(20, terminal.width() - 49)
    if len(summary) > room and check["status"] != "failed":
        summary = summary[: room - 1] + "…"
    line(f"{paint(mark, color)} {paint(name, *([color] if check['status'] != 'passed' else []))}{duration.rjust(8)}  {paint(summary, 'dim')}", indent=4)
