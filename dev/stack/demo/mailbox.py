"""The people at the customers, who read their mail in the demo's mailbox."""

import json
import re
import time
import urllib.request

from stack import web
from stack.demo.api_client import TIMEOUT_SECONDS, ApiError

CONFIRM = re.compile(r"(http\S+/mail/confirm/\S+)")


class Mailbox:
    def __init__(self, url, api):
        self.url = url
        self.api = api

    def add_contact(self, slug, name, address):
        """Adds a contact to a tenant, who then confirms the address."""
        self.api.post(f"/v1/tenants/{slug}/contacts", {"name": name, "email": address}, 201)
        asked = self.wait_for(address, "Confirm your address")
        link = CONFIRM.search(asked["text"]).group(1)
        # The button of the page that the link opens.
        with web.OPENER.open(urllib.request.Request(link, data=b"", method="POST"), timeout=30) as page:
            page.read()

    def wait_for(self, address, subject):
        """The latest mail to this address whose subject contains this."""
        until = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < until:
            found = [mail for mail in self.mails() if mail["to"] == address and subject in mail["subject"]]
            if found:
                return found[-1]
            time.sleep(0.1)
        raise ApiError(f"no mail about {subject!r} was sent to {address} within {TIMEOUT_SECONDS} s")

    def mails(self):
        with web.OPENER.open(f"{self.url}/mails.json", timeout=30) as response:
            return json.load(response)
