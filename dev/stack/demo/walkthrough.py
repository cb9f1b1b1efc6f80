"""A tenant for the user of the demo to onboard: its link, its names, and the AWS CLI commands that apply its documents."""

import re

from stack import terminal
from stack.demo.customer import Customer
from stack.terminal import line, paint, pair

SLUG, NAME, ACCOUNT = "umbrella", "Umbrella", "555555555555"
CONTACT = "alice@umbrella.example"
LINK = re.compile(r"(http\S+/onboard/\S+)")


def prepare(api, values, mailbox):
    """Creates the tenant, its bucket and key, and an invite, which a contact of the tenant gets by mail. Returns the customer and the
    link."""
    customer = Customer(ACCOUNT, SLUG, values["AWS_ENDPOINT_URL"], values["AWS_REGION"])
    api.post("/v1/tenants", {"slug": SLUG, "name": NAME}, 201)
    customer.create_bucket_and_key()
    mailbox.add_contact(SLUG, "Alice Abernathy", CONTACT)
    invite = mailbox.wait_for(CONTACT, "Connect your S3 bucket")
    return customer, LINK.search(invite["text"]).group(1)


def show(customer, url, values):
    terminal.heading(f"Onboard {NAME} yourself: open its link and act as the customer")
    pair("link", paint(url, "bold"))
    pair("bucket", customer.bucket)
    pair("key", customer.key_arn)
    pair("role", f"{customer.role_name} (you create it)")
    pair("account", customer.account)
    line("Download the documents from the page and apply them with the AWS CLI, in the order of the page:")
    environment = {
        "AWS_ENDPOINT_URL": values["AWS_ENDPOINT_URL"],
        # Version 1 of the AWS CLI does not read AWS_REGION.
        "AWS_DEFAULT_REGION": values["AWS_REGION"],
        "AWS_ACCESS_KEY_ID": customer.account,
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    line("export " + " ".join(f"{name}={value}" for name, value in environment.items()), indent=4)
    for command in commands(customer):
        line(f"aws {command}", indent=4)


def commands(customer):
    role, key, bucket = customer.role_name, customer.key_arn, customer.bucket
    return (
        f"iam create-role --role-name {role} --assume-role-policy-document file://trust-policy.json",
        f"iam put-role-policy --role-name {role} --policy-name latchkey --policy-document file://role-permissions.json",
        # The key is new, so the complete policy that the page offers applies.
        f"kms put-key-policy --key-id {key} --policy-name default --policy file://whole-key-policy.json",
        f"s3api put-bucket-policy --bucket {bucket} --policy file://bucket-policy.json",
        f"s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration file://bucket-encryption.json",
    )
