"""The tenants beside those of the story: one for each status that the story does not leave behind."""

import json

from stack.demo.customer import Customer
from stack.demo.story import without_action
from stack.terminal import line, paint

# What ./dev/demo --once looks for at the end: of the story's three, of the one to play by hand, and of these.
STATUSES = {"invited": 1, "verifying": 1, "action_required": 1, "active": 3, "degraded": 1, "suspended": 1, "offboarded": 1}
MODE = "assume_role"
READ = "s3:GetObject"
DECRYPT = "kms:Decrypt"

class Others:
    def __init__(self, ops, values, expect):
        self.ops = ops
        self.values = values
        self.expect = expect

    def come(self):
        for account, come in (
            ("666666666666", self.action_required),
            ("777777777777", self.degraded),
            ("888888888888", self.suspended),
            ("999999999999", self.offboarded),
            ("121212121212", self.verifying),
        ):
            try:
                come(account)
            except Exception as error:
                self.expect(f"a tenant comes to be {come.__name__} ({type(error).__name__}: {error})", False)

    def action_required(self, account):
        customer = self.create("soylent", "Soylent", account)
        self.apply("soylent", customer, forgets=DECRYPT)
        self.submit("soylent", customer, "rejected")
        tell("soylent", "action_required", f"forgot {DECRYPT}, and has not mended it yet")

    def degraded(self, account):
        customer = self.create("cyberdyne", "Cyberdyne", account)
        id = self.apply("cyberdyne", customer)
        self.submit("cyberdyne", customer, "verified")
        for document in ("role-permissions", "bucket-policy"):
            customer.write(document, without_action(customer.read(document), READ))
        self.verify("cyberdyne", "rejected")
        customer.pass_a_minute(self.values["DATABASE_URL"], id)
        self.verify("cyberdyne", "rejected")
        tell("cyberdyne", "degraded", f"worked, then took {READ} away; a minute was made to pass in the database")

    def suspended(self, account):
        customer = self.create("tyrell", "Tyrell Corporation", account)
        self.apply("tyrell", customer)
        self.submit("tyrell", customer, "verified")
        self.ops.post("/v1/tenants/tyrell/suspend", {"reason": "Invoice 2041 is unpaid"}, 200)
        tell("tyrell", "suspended", "works, and was switched off")

    def offboarded(self, account):
        customer = self.create("wonka", "Wonka Industries", account)
        self.apply("wonka", customer)
        self.submit("wonka", customer, "verified")
        self.ops.ask("DELETE", "/v1/tenants/wonka", 200, json.dumps({"reason": "Contract ended"}).encode())
        tell("wonka", "offboarded", "worked, and has ended")

    def verifying(self, account):
        customer = self.create("hooli", "Hooli", account)
        # The stand-in answers SlowDown for it, so that Latchkey asks again and again, for nine minutes.
        customer.bucket = "hooli-documents-throttled"
        self.apply("hooli", customer)
        self.submit("hooli", customer)
        tell("hooli", "verifying", "AWS throttles its bucket: it is asked again for nine minutes")

    def create(self, slug, name, account):
        self.ops.post("/v1/tenants", {"slug": slug, "name": name, "reference": f"CRM-{account[:5]}"}, 201)
        return Customer(account, slug, self.values["AWS_ENDPOINT_URL"], self.values["AWS_REGION"])

    def apply(self, slug, customer, forgets=None):
        customer.make_bucket_and_key()
        asked = {"bucket": customer.bucket, "key_arn": customer.key_arn, "role_name": customer.role_name, "account_id": customer.account}
        for document in self.ops.get(f"/v1/tenants/{slug}/templates", mode=MODE, **asked)["documents"]:
            body = document["body"]
            if forgets and document["document"] in ("role-permissions", "key-policy"):
                body = without_action(body, forgets)
            customer.apply(document["document"], body)
        return self.ops.get(f"/v1/tenants/{slug}")["id"]

    def submit(self, slug, customer, verdict=None):
        submission = {
            "mode": MODE,
            "bucket_arn": customer.bucket_arn,
            "bucket_region": customer.region,
            "key_arn": customer.key_arn,
            "role_arn": customer.role_arn,
        }
        submitted = self.ops.post(f"/v1/tenants/{slug}/storage-configs", submission, 202)
        if verdict:
            self.see(slug, submitted["verification"]["id"], verdict)

    def verify(self, slug, verdict):
        self.see(slug, self.ops.post(f"/v1/tenants/{slug}/verifications", {}, 202)["id"], verdict)

    def see(self, slug, verification, verdict):
        found = self.ops.follow(verification, lambda check: None)["verdict"]
        self.expect(f"{slug} is {verdict} ({found})", found == verdict)

    def count(self):
        """Whether there are as many tenants of each status as there have to be."""
        found = {entry["status"]: entry["count"] for entry in self.ops.get("/v1/stats")["tenants"]}
        self.expect(f"there are tenants in every status ({found})", found == STATUSES)


def tell(slug, status, story):
    line(f"{paint(slug.ljust(12), 'bold')} {status.ljust(16)} {paint(story, 'dim')}")
