"""A customer changes its setup after it was verified: Latchkey notices on its own, and tells operators and the customer."""

import time

from stack import terminal
from stack.demo.api_client import TIMEOUT_SECONDS, ApiError
from stack.demo.scenario import step
from stack.terminal import line, paint

SLUG, CONTACT = "globex", "hank@globex.example"
CHECK, SUBJECT = "key-suitable", "will be deleted"
# Time to open the pages.
DELAY_SECONDS = 20


class Drift:
    def __init__(self, api, mailbox, customer, expect):
        self.api = api
        self.mailbox = mailbox
        self.customer = customer
        self.expect = expect

    def prepare(self):
        self.mailbox.add_contact(SLUG, "Hank Scorpio", CONTACT)

    def announce(self, url, mailbox_url):
        terminal.heading(f"In {DELAY_SECONDS} seconds, {SLUG} schedules its KMS key for deletion, without telling anybody. Watch")
        terminal.pair("the tenant", paint(f"{url}/tenants/{SLUG}", "bold"))
        terminal.pair("the drift feed", paint(f"{url}/drift", "bold"))
        terminal.pair("the customer's mail", paint(f"{mailbox_url}/", "bold"))

    def happen(self):
        terminal.heading(f"{SLUG} changes something")
        self.customer.kms.schedule_key_deletion(KeyId=self.customer.key_arn, PendingWindowInDays=7)
        step(f"account {self.customer.account}", "schedules its key for deletion")
        # In production, the next light re-verification notices it: within 6 hours by default.
        again = {"q": SLUG, "within_seconds": 0, "reason": "The demo does not wait for hours"}
        self.api.post("/v1/reverifications", again, 200)
        step("POST /v1/reverifications", "verifies it again now instead of within hours")
        drift = self.wait_for_drift()
        step("drift", f"{drift['check']}: {drift['after']['summary']}")
        line(paint(f"before: {drift['before']['summary']}", "dim"), indent=4)
        line(paint(f"changed between {drift['not_before']} and {drift['found_at']}", "dim"), indent=4)
        self.expect(f"the drift is worse than before ({drift['direction']})", drift["direction"] == "worse")
        known = self.api.get(f"/v1/tenants/{SLUG}/drift")["items"]
        self.expect("the tenant's timeline has the drift of the feed", drift["id"] in [item["id"] for item in known])
        told = self.mailbox.wait_for(CONTACT, SUBJECT)
        step("mail", told["subject"])

    def wait_for_drift(self):
        until = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < until:
            if found := self.api.get("/v1/drift", tenant=SLUG, check=CHECK)["items"]:
                return found[0]
            time.sleep(0.1)
        raise ApiError(f"no drift of {SLUG} was found within {TIMEOUT_SECONDS} s")
