"""Part three: the issued files, applied unchanged with their own tools. Each must lead to `verified`.

JSON documents are what the ablation matrix starts from; its rows "as issued" cover them. Terraform is not tried yet."""

import os
import re
import subprocess
import time
from urllib.parse import urlencode

from stack import terminal
from stack.conform import names, product
from stack.conform.answers import Answer, stable
from stack.conform.customer import Customer
from stack.paths import VENV

SETTLE_SECONDS, PAUSE_SECONDS = 180, 10
STACK_SECONDS = 900
TOLD = re.compile(r"^(Bucket ARN|Bucket region|Key ARN|Role ARN): (\S+)$", re.MULTILINE)
FIELDS = {"Bucket ARN": "bucket_arn", "Bucket region": "bucket_region", "Key ARN": "key_arn", "Role ARN": "role_arn"}


def run(running, accounts, run_id, region, *, patience, short=False, certificate=None):
    roles = {account.id: role for role, account in accounts.items()}
    answers = []
    # The stack first: every command of the AWS CLI takes a second.
    cases = [("cloudformation", stack, "direct"), ("cloudformation", stack, "assume_role"), ("cli", script, "assume_role"), ("cli", script, "direct")]
    for name, apply, mode in cases[:1] if short else cases:
        row = f"{name}, {mode}"
        try:
            case = Case(running, accounts["customer"], run_id, region, mode, name, patience, certificate)
            verdict, message = case.verified(apply(case))
        except Exception as error:  # The others can still run.
            verdict, message = "FAIL", f"{type(error).__name__}: {error}"
        answers.append(Answer("templates", row, verdict, message=stable(message, roles)))
        terminal.line(f"templates, {row}: {verdict}")
    return answers


class Case:
    def __init__(self, running, account, run_id, region, mode, name, patience, certificate):
        self.api, self.account, self.region, self.mode, self.patience, self.certificate = running.api, account, region, mode, patience, certificate
        self.slug = f"{name}-{mode.replace('_', '-')}"
        self.customer = Customer(account, run_id, self.slug, region, patience)
        self.stack_name = f"{names.prefix(run_id)}{self.slug}"
        self.api.post("/v1/tenants", {"slug": self.slug, "name": self.slug, "modes": [mode]}, 201)

    def file(self, format, **query):
        with self.api.open("GET", f"/v1/tenants/{self.slug}/templates?{urlencode({'format': format} | query)}") as response:
            return response.read().decode()

    def verified(self, submission):
        until = time.monotonic() + (SETTLE_SECONDS if self.patience else 0)
        while True:
            submitted = self.api.post(f"/v1/tenants/{self.slug}/storage-configs", submission, 202)
            verification = self.api.follow(submitted["verification"]["id"], lambda _: None)
            if verification["verdict"] == "verified" or time.monotonic() >= until:
                break
            time.sleep(PAUSE_SECONDS)
        return "PASS" if verification["verdict"] == "verified" else "FAIL", f"{verification['verdict']} {product.answers_of(verification)}".strip()


def script(case):
    """The shell script, with the AWS CLI, for a bucket and a key that the customer has."""
    case.customer.create_bucket_and_key()
    text = case.file("cli", **case.customer.query(case.mode))
    keys = case.account.credentials()
    env = {
        "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}", "HOME": "/nonexistent", "AWS_DEFAULT_REGION": case.region, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key,
    }
    if keys.token:
        env["AWS_SESSION_TOKEN"] = keys.token
    if case.account.endpoint:
        env["AWS_ENDPOINT_URL"] = case.account.endpoint
    if case.certificate:
        env["AWS_CA_BUNDLE"] = str(case.certificate)
    ran = subprocess.run(["sh", "-c", text, "script", "--yes"], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
    if ran.returncode != 0:
        raise RuntimeError(f"the script ended with {ran.returncode}: {(ran.stderr or ran.stdout).strip()[-500:]}")
    return {"mode": case.mode} | {FIELDS[name]: value for name, value in TOLD.findall(ran.stdout)}


def stack(case):
    """The CloudFormation template, which creates the bucket and the key."""
    template = case.file("cloudformation", **case.customer.query(case.mode))
    cloudformation = case.account.client("cloudformation", case.region)
    cloudformation.create_stack(
        StackName=case.stack_name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": "BucketIs", "ParameterValue": "new"}])
    until = time.monotonic() + STACK_SECONDS
    while True:
        described = cloudformation.describe_stacks(StackName=case.stack_name)["Stacks"][0]
        if not described["StackStatus"].endswith("_IN_PROGRESS") or time.monotonic() > until:
            break
        time.sleep(1)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    if "KeyArn" in outputs:
        # AWS passes the stack's tags on to its key, the stand-in does not.
        run_id = names.run_of(case.stack_name)
        case.account.client("kms", case.region).tag_resource(KeyId=outputs["KeyArn"], Tags=[{"TagKey": names.TAG, "TagValue": run_id}])
    if described["StackStatus"] != "CREATE_COMPLETE":
        raise RuntimeError(f"{described['StackStatus']} {described.get('StackStatusReason', '')}")
    submission = {"bucket_arn": "BucketArn", "bucket_region": "BucketRegion", "key_arn": "KeyArn", "role_arn": "RoleArn"}
    return {"mode": case.mode} | {field: outputs[name] for field, name in submission.items() if name in outputs}
