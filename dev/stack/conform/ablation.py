"""Part two: the ablation matrix of tests/data/ablation.json. From documents as issued, one thing is changed, and Latchkey's own
verification must fail exactly the expected checks and name the right document."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from stack import terminal
from stack.conform import product
from stack.conform.answers import Answer, stable
from stack.conform.customer import Customer
from stack.demo.api_client import ApiError
from stack.paths import ROOT

MATRIX = ROOT / "tests" / "data" / "ablation.json"
MODES = ("assume_role", "direct")
# Each has a tenant, a bucket, a key and a role of its own.
LANES_PER_MODE = 2
SETTLE_SECONDS, PAUSE_SECONDS = 180, 10


def matrix(short=False):
    rows = json.loads(MATRIX.read_text())["rows"]
    return [row for row in rows if not short or row.get("short")]


def run(running, accounts, run_id, region, *, patience, short=False):
    """The answers to all rows."""
    rows, answers, stopping = matrix(short), {}, threading.Event()
    roles = {account.id: role for role, account in accounts.items()}

    def lane(mode, number):
        mine = [row for row in rows if row["mode"] == mode][number::LANES_PER_MODE]
        if not mine:
            return
        tenant = Lane(running, accounts["customer"], run_id, region, mode, number, patience, stopping)
        for row in mine:
            if stopping.is_set():
                return
            answers[row["name"]] = tenant.answer(row, roles)
            terminal.line(f"ablation, {row['name']}: {answers[row['name']].verdict}")

    with ThreadPoolExecutor(len(MODES) * LANES_PER_MODE) as pool:
        lanes = [pool.submit(lane, mode, number) for mode in MODES for number in range(LANES_PER_MODE)]
        try:
            for done in as_completed(lanes):
                done.result()
        except BaseException:
            # The pool waits for its threads.
            stopping.set()
            raise
    return [answers[row["name"]] for row in rows]


class Lane:
    def __init__(self, running, account, run_id, region, mode, number, patience, stopping):
        self.api, self.mode, self.patience, self.stopping = running.api, mode, patience, stopping
        self.slug = f"{mode.replace('_', '-')}-{number}"
        self.customer = Customer(account, run_id, self.slug, region, patience)
        self.customer.create_bucket_and_key()
        self.external_id = self.api.post("/v1/tenants", {"slug": self.slug, "name": self.slug, "modes": [mode]}, 201)["external_id"]
        self.customer.apply_all(self.api.get(f"/v1/tenants/{self.slug}/templates", format="json", **self.customer.query(mode)))
        self.principal = self.customer.role_arn if mode == "assume_role" else running.direct_role
        self.places = {
            "{bucket}": self.customer.bucket_arn, "{principal}": self.principal, "{region}": region,
            "{external_id}": self.external_id, "{account}": f"arn:aws:iam::{account.id}:root",
        }

    def answer(self, row, roles):
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for step in row["change"]:
                self.change(step)
            verification, met = self.settled(row)
            text = f"failed: {', '.join(product.failed(verification)) or 'nothing'}; {product.answers_of(verification)}"
        except (BotoCoreError, ClientError, ApiError) as error:
            # The other rows can still run.
            text, met = f"{type(error).__name__}: {error}", False
        finally:
            self.customer.restore()
        return Answer("ablation", row["name"], "PASS" if met else "FAIL", message=stable(text.rstrip("; "), roles))

    def settled(self, row):
        """The verification that is as expected, or the last one when AWS has had time enough."""
        until = time.monotonic() + (SETTLE_SECONDS if self.patience else 0)
        while True:
            verification = self.verify()
            if is_as_expected(row, verification):
                return verification, True
            if time.monotonic() >= until or self.stopping.wait(PAUSE_SECONDS):
                return verification, False

    def verify(self):
        submitted = self.api.post(f"/v1/tenants/{self.slug}/storage-configs", self.customer.submission(self.mode), 202)
        return self.api.follow(submitted["verification"]["id"], lambda _: None)

    def change(self, step):
        if "do" in step:
            return self.customer.do(step["do"])
        step = json.loads(self.filled(json.dumps(step)))
        for name in [step["in"]] if isinstance(step["in"], str) else step["in"]:
            self.customer.put(name, changed(self.customer.document(name), step))
        return None

    def filled(self, text):
        for place, value in self.places.items():
            text = text.replace(place, value)
        return text


def is_as_expected(row, verification):
    if not row["fails"]:
        return verification["verdict"] == "verified"
    failed = product.failed(verification)
    first = next((check for check in verification["checks"] if check["name"] == row["fails"][0]), {})
    return failed == row["fails"] and (first.get("fix") or {}).get("document") == row["document"]


def changed(document, step):
    """The document with one thing changed. A pointer finds a statement by its number or its Sid."""
    if "without" in step:
        statements = document["Statement"] if "Statement" in document else [document]
        for statement in statements:
            if isinstance(statement["Action"], list):
                statement["Action"] = [action for action in statement["Action"] if action != step["without"]]
        if "Statement" in document:
            document["Statement"] = [statement for statement in statements if statement["Action"] != []]
    elif "add" in step:
        document["Statement"].append(step["add"])
    elif "unset" in step:
        parent, last = target(document, step["unset"])
        del parent[last]
    elif "set" in step:
        parent, last = target(document, step["set"])
        parent[last] = step["to"]
    return document


def target(document, pointer):
    """What contains the end of a pointer, and the key or index of that end."""
    *parts, last = pointer.strip("/").split("/")
    for part in [*parts]:
        document = document[index(document, part)]
    return document, index(document, last)


def is_named(statement, sid):
    """Whether a statement has this Sid, with or without the tenant's digits at its end."""
    return re.fullmatch(re.escape(sid) + "([0-9a-f]{8})?", statement.get("Sid", "")) is not None


def index(container, part):
    if not isinstance(container, list):
        return part.replace("~1", "/")
    if part.isdigit():
        return int(part)
    return next(number for number, statement in enumerate(container) if is_named(statement, part))
