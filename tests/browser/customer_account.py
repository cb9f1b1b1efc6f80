"""A customer's AWS account for the browser tests: one JSON object a line in, one out. ./dev/test starts it through lib.js."""

import json
import os
import sys

from stack import postgres
from stack.demo.customer import Customer


class Account(Customer):
    def make(self):
        self.make_bucket_and_key()
        return {
            "bucket": self.bucket,
            "bucket_arn": self.bucket_arn,
            "key_arn": self.key_arn,
            "role_name": self.role_name,
            "role_arn": self.role_arn,
        }

    def apply_text(self, document, text):
        """Applies a document as it was copied from the page."""
        self.apply(document, json.loads(text))

    def fix(self, document, text):
        """Does what a fix says: the statement goes in, in the place of the one with its Sid."""
        statement = json.loads(text)
        if document == "bucket-encryption":
            self.apply(document, statement)
        else:
            self.add_statement(document, statement)

    def drop(self, document, action):
        """Takes an action out of every statement of a document."""
        policy = self.read(document)
        for statement in policy["Statement"]:
            actions = statement["Action"]
            if isinstance(actions, list) and action in actions:
                actions.remove(action)
        self.write(document, policy)

    def left(self):
        return self.probe_objects()

    def expire(self, invite):
        """What otherwise only time does."""
        self.sql("update invites set created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' where id = :'id'", invite)

    def pass_a_minute(self, id):
        super().pass_a_minute(os.environ["DATABASE_URL"], id)

    def sql(self, script, id):
        """Brings about a state that would take long, or others' trouble, to come by."""
        postgres.psql(os.environ["DATABASE_URL"], script, id=id)


def main():
    account = Account(sys.argv[1], sys.argv[2], os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"])
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"done": getattr(account, asked.pop("do"))(**asked)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
