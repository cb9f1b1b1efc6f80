"""A customer's AWS account for the browser tests: reads one JSON command per line, writes one result per line. lib.js starts it."""

import json
import os
import sys

from stack import postgres
from stack.demo.customer import Customer


class Account(Customer):
    def create(self):
        self.create_bucket_and_key()
        return {
            "bucket": self.bucket,
            "bucket_arn": self.bucket_arn,
            "key_arn": self.key_arn,
            "role_name": self.role_name,
            "role_arn": self.role_arn,
        }

    def apply_text(self, document, text):
        """Applies a document as copied from the page."""
        self.apply(document, json.loads(text))

    def fix(self, document, text):
        """Follows the instructions of a fix: add the statement, or replace the one with its Sid."""
        statement = json.loads(text)
        if document == "bucket-encryption":
            self.apply(document, statement)
        else:
            self.add_statement(document, statement)

    def drop(self, document, action):
        """Removes an action from all statements of a document."""
        policy = self.read(document)
        for statement in policy["Statement"]:
            actions = statement["Action"]
            if isinstance(actions, list) and action in actions:
                actions.remove(action)
        self.write(document, policy)

    def remaining_probes(self):
        return self.probe_objects()

    def expire(self, invite):
        """Moves an invite's lifetime into the past."""
        self.sql("update invites set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' where id = :'id'", invite)

    def backdate_by_a_minute(self, id):
        super().backdate_by_a_minute(os.environ["DATABASE_URL"], id)

    def sql(self, script, id):
        """Creates a state that would take long or need an outage to reach."""
        postgres.psql(os.environ["DATABASE_URL"], script, id=id)


def main():
    account = Account(sys.argv[1], sys.argv[2], os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"])
    for line in sys.stdin:
        command = json.loads(line)
        try:
            result = {"result": getattr(account, command.pop("command"))(**command)}
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


main()
