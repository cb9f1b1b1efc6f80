"""Tenants in the statuses that the scenario does not produce, for the dashboard."""

import json

from stack.demo.customer import Customer
from stack.demo.scenario import without_action
from stack.terminal import line, paint

# At the end of the demo: the scenario's three, the walkthrough's, and these.
STATUSES = {"invited": 1, "verifying": 1, "blocked_by_vendor": 0, "action_required": 1, "active": 3, "degraded": 1, "quarantined": 1, "suspended": 1, "offboarded": 1}
MODE = "assume_role"
READ = "s3:GetObject"
DECRYPT = "kms:Decrypt"


class MoreTenants:
    def __init__(self, api, values, expect):
        self.api = api
        self.values = values
        self.expect = expect

    def create_all(self):
        for account, create in (
            ("666666666666", self.action_required),
            ("777777777777", self.degraded),
            ("131313131313", self.quarantined),
            ("888888888888", self.suspended),
            ("999999999999", self.offboarded),
            ("121212121212", self.verifying),
        ):
            try:
                create(account)
            except Exception as error:
                self.expect(f"a tenant becomes {create.__name__} ({type(error).__name__}: {error})", False)

    def action_required(self, account):
        customer = self.create("soylent", "Soylent", account)
        self.apply("soylent", customer, without=DECRYPT)
        self.submit("soylent", customer, "rejected")
        show("soylent", "action_required", f"did not grant {DECRYPT} and has not fixed it")

    def degraded(self, account):
        customer = self.create("cyberdyne", "Cyberdyne", account)
        id = self.apply("cyberdyne", customer)
        self.submit("cyberdyne", customer, "verified")
        for document in ("role-permissions", "bucket-policy"):
            customer.write(document, without_action(customer.read(document), READ))
        self.verify("cyberdyne", "rejected")
        customer.backdate_by_a_minute(self.values["DATABASE_URL"], id)
        self.verify("cyberdyne", "rejected")
        show("cyberdyne", "degraded", f"was verified, then revoked {READ}; the first rejection is backdated by a minute")

    def quarantined(self, account):
        customer = self.create("weyland", "Weyland", account)
        self.apply("weyland", customer)
        self.submit("weyland", customer, "verified")
        trust = customer.read("trust-policy")
        for statement in trust["Statement"]:
            statement.pop("Condition", None)
        customer.write("trust-policy", trust)
        for _ in range(2):
            self.verify("weyland", "rejected")
        show("weyland", "quarantined", "was verified, then removed the condition on its external ID")

    def suspended(self, account):
        customer = self.create("tyrell", "Tyrell Corporation", account)
        self.apply("tyrell", customer)
        self.submit("tyrell", customer, "verified")
        self.api.post("/v1/tenants/tyrell/suspend", {"reason": "Invoice 2041 is unpaid"}, 200)
        show("tyrell", "suspended", "is verified and was suspended")

    def offboarded(self, account):
        customer = self.create("wonka", "Wonka Industries", account)
        self.apply("wonka", customer)
        self.submit("wonka", customer, "verified")
        self.api.request("DELETE", "/v1/tenants/wonka", 200, json.dumps({"reason": "Contract ended"}).encode())
        show("wonka", "offboarded", "was verified and has left")

    def verifying(self, account):
        customer = self.create("hooli", "Hooli", account)
        # The stand-in returns SlowDown for a bucket with this suffix, and Latchkey retries for nine minutes.
        customer.bucket = "hooli-documents-throttled"
        self.apply("hooli", customer)
        self.submit("hooli", customer)
        show("hooli", "verifying", "AWS throttles its bucket; Latchkey retries for nine minutes")

    def create(self, slug, name, account):
        self.api.post("/v1/tenants", {"slug": slug, "name": name, "reference": f"CRM-{account[:5]}"}, 201)
        return Customer(account, slug, self.values["AWS_ENDPOINT_URL"], self.values["AWS_REGION"])

    def apply(self, slug, customer, without=None):
        customer.create_bucket_and_key()
        names = {"bucket": customer.bucket, "key_arn": customer.key_arn, "role_name": customer.role_name, "account_id": customer.account}
        for document in self.api.get(f"/v1/tenants/{slug}/templates", mode=MODE, **names)["documents"]:
            body = document["body"]
            if without and document["document"] in ("role-permissions", "key-policy"):
                body = without_action(body, without)
            customer.apply(document["document"], body)
        return self.api.get(f"/v1/tenants/{slug}")["id"]

    def submit(self, slug, customer, verdict=None):
        submission = {
            "mode": MODE,
            "bucket_arn": customer.bucket_arn,
            "bucket_region": customer.region,
            "key_arn": customer.key_arn,
            "role_arn": customer.role_arn,
        }
        submitted = self.api.post(f"/v1/tenants/{slug}/storage-configs", submission, 202)
        if verdict:
            self.expect_verdict(slug, submitted["verification"]["id"], verdict)

    def verify(self, slug, verdict):
        self.expect_verdict(slug, self.api.post(f"/v1/tenants/{slug}/verifications", {}, 202)["id"], verdict)

    def expect_verdict(self, slug, verification, verdict):
        actual = self.api.follow(verification, lambda check: None)["verdict"]
        self.expect(f"{slug} is {verdict} ({actual})", actual == verdict)

    def expect_every_status(self):
        actual = {entry["status"]: entry["count"] for entry in self.api.get("/v1/stats")["tenants"]}
        self.expect(f"there are tenants in every status ({actual})", actual == STATUSES)


def show(slug, status, text):
    line(f"{paint(slug.ljust(12), 'bold')} {status.ljust(16)} {paint(text, 'dim')}")
