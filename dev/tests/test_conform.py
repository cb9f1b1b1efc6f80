import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from stack.conform import ablation, accounts, answers, cleanup, names, plan, probe_rows
from stack.conform.answers import Answer
from stack.errors import ToolError
from stack.paths import DEV, ROOT

ROLES = {"111122223333": "vendor", "444455556666": "customer"}


class PlanTest(unittest.TestCase):
    def plan(self, **more):
        given = {"run": "0a1b2c3d", "accounts": {"vendor": "v", "customer": "c"}, "region": "eu-central-1", "endpoint": None, "parts": plan.PARTS}
        return plan.Plan(**given | more)

    def test_it_names_everything_that_a_run_creates(self):
        text = "\n".join(self.plan().lines())
        for part in ("0a1b2c3d", "real AWS", "vendor: v", "customer: c", "us-east-1, eu-west-1, eu-central-1", "latchkey-conform-0a1b2c3d-", "$"):
            self.assertIn(part, text)

    def test_the_cost_is_that_of_its_parts(self):
        whole, probe, short = self.plan(), self.plan(parts=("probe",)), self.plan(short=True)
        self.assertGreater(whole.cost(), probe.cost())
        self.assertGreater(whole.cost(), short.cost())
        self.assertAlmostEqual(probe.cost(), 90 * 3 / 730 + 4_000 * 0.005 / 1_000)
        self.assertEqual(probe.regions, ("us-east-1", "eu-west-1", "eu-central-1"))
        self.assertEqual(self.plan(parts=("ablation",)).regions, ("eu-central-1",))

    def test_more_than_planned_is_noticed(self):
        account = accounts.Account("customer", "444455556666", "", None)
        self.assertEqual(plan.exceeded(self.plan(short=True), [account]), [])
        account.requests = {"kms.CreateKey": 1_000}
        self.assertEqual(len(plan.exceeded(self.plan(short=True), [account])), 1)

    def test_a_dry_run_prints_the_plan_and_calls_nothing(self):
        # Profiles that do not exist would be noticed by the first call.
        env = os.environ | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        command = [sys.executable, str(DEV / "conform"), "--vendor-profile", "no-vendor", "--customer-profile", "no-customer"]
        ran = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("Costs at most $", ran.stdout)
        called = subprocess.run([*command, "--cleanup"], capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL)
        self.assertEqual(called.returncode, 2)
        self.assertIn("no-vendor", called.stderr)

    def test_a_run_needs_two_profiles(self):
        empty = mock.Mock(vendor_profile=None, customer_profile="c", second_profile=None)
        with mock.patch.dict("os.environ", clear=True), self.assertRaisesRegex(ToolError, "CONFORM_VENDOR_PROFILE"):
            accounts.profiles(empty)
        with mock.patch.dict("os.environ", {"CONFORM_VENDOR_PROFILE": "v"}, clear=True):
            self.assertEqual(accounts.profiles(empty), {"vendor": "v", "customer": "c"})


class NamesTest(unittest.TestCase):
    def test_a_run_finds_only_its_own(self):
        name = names.prefix("0a1b2c3d") + "role"
        self.assertTrue(names.belongs(name) and names.belongs(name, "0a1b2c3d"))
        self.assertFalse(names.belongs(name, "ffffffff"))
        for other in ("latchkey-conform", "latchkey-conform-role", "latchkey-conform-0a1b2c3-role", "my-latchkey-conform-0a1b2c3d-role", "latchkey-storage"):
            self.assertFalse(names.belongs(other), other)

    def test_tags(self):
        self.assertTrue(names.is_tagged({names.TAG: "0a1b2c3d"}) and names.is_tagged({names.TAG: "0a1b2c3d"}, "0a1b2c3d"))
        self.assertFalse(names.is_tagged({names.TAG: "0a1b2c3d"}, "ffffffff"))
        self.assertFalse(names.is_tagged({"Name": names.TAG}))

    def test_runs_differ(self):
        self.assertEqual(len({names.new_run() for _ in range(20)}), 20)

    def test_every_creating_request_has_the_tag(self):
        import botocore.session

        for operation, (parameter, key, value) in names.TAGGED.items():
            service, name = operation.split(".")
            session = botocore.session.Session()
            client = session.create_client(service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
            names.mark(client.meta.events, "0a1b2c3d")
            given = client._emit_api_params({parameter: [{key: "a", value: "b"}]}, client.meta.service_model.operation_model(name), {})
            self.assertEqual(given[parameter], [{key: "a", value: "b"}, {key: names.TAG, value: "0a1b2c3d"}])


class AnswersTest(unittest.TestCase):
    def test_what_differs_from_run_to_run_is_replaced(self):
        cases = {
            "arn:aws:iam::444455556666:role/latchkey-conform-0a1b2c3d-role-a1b2c3-17": "arn:aws:iam::{customer}:role/{run}-role-{n}",
            "arn:aws:sts::111122223333:assumed-role/x/probe": "arn:aws:sts::{vendor}:assumed-role/x/probe",
            "in 999988887777": "in {account}",
            "key/1234abcd-12ab-34cd-56ef-1234567890ab": "key/{uuid}",
            "key/mrk-1234567890abcdef1234567890abcdef": "key/{uuid}",
            "AROAEXAMPLEID12345678 AKIAIOSFODNN7EXAMPLE": "{unique-id} {unique-id}",
            "at 2026-11-30T18:53:02Z": "at {date}",
            "Mon, 30 Nov 2026 18:53:02 GMT": "{date}",
            "<RequestId>4442587FB7D0A2F9</RequestId><HostId>a+b/c=</HostId>": "<RequestId>{request}</RequestId><HostId>{request}</HostId>",
            "{run}-stack-{n}-Role-ACB381D1DDA41": "{run}-stack-{n}-Role-{random}",
            "Request ID: 4442587FB7D0A2F9": "Request ID: {request}",
            "policy/o-4z1leiit0c/service_control_policy": "policy/{organization}/service_control_policy",
            "lk-d20bd3488671e0acb20e4810801ec72ae04b2ac1": "{external-id}",
            "Access Denied": "Access Denied",
        }
        for text, stable in cases.items():
            self.assertEqual(answers.stable(text, ROLES), stable)

    def test_answers_are_read_as_they_were_written(self):
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "runs" / "a.jsonl"
        some = [Answer("probe", "a1", "PASS"), Answer("ablation", "direct: as issued", "FAIL", "AccessDenied", 403, "“no”")]
        answers.write(path, some)
        self.assertEqual(answers.read(path), some)
        self.assertEqual(len(path.read_text().splitlines()), 2)

    def test_the_same_answers_differ_in_nothing(self):
        some = [Answer("probe", "a1", "PASS", "AccessDenied", 403, "Access Denied")]
        self.assertEqual(list(answers.between(some, list(some), "stand-in")), [])
        self.assertEqual(answers.unexpected(some), [])

    def test_every_kind_of_difference_is_found(self):
        mine = Answer("probe", "a1", "PASS", "AccessDenied", 403, "Access Denied")
        for other in (
            Answer("probe", "a1", "PASS", "AccessDenied", 403, "User: x is not authorized"),
            Answer("probe", "a1", "PASS", "AccessDenied", 400, "Access Denied"),
            Answer("probe", "a1", "PASS", "NoSuchKey", 403, "Access Denied"),
            Answer("probe", "a1", "FAIL", "AccessDenied", 403, "Access Denied"),
        ):
            self.assertEqual(len(list(answers.between([mine], [other], "stand-in"))), 1)
        self.assertEqual(len(list(answers.between([mine], [], "stand-in"))), 1)
        self.assertEqual(len(list(answers.between([], [mine], "stand-in"))), 1)
        self.assertEqual(len(answers.unexpected([Answer("probe", "a1", "ODD")])), 1)

    def test_recorded_answers_may_have_wildcards(self):
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "answers.json"
        path.write_text(json.dumps({"answers": [{"row": "a1", "code": "AccessDenied", "status": 403, "message": "User: * may not (*)"}]}))
        self.assertEqual(list(answers.recorded([Answer("probe", "a1", "PASS", "AccessDenied", 403, "User: x may not (y)")], path)), [])
        for wrong in (("AccessDenied", 403, "User: x may"), ("AccessDenied", 400, "User: x may not (y)"), ("NoSuchKey", 403, "User: x may not (y)")):
            self.assertEqual(len(list(answers.recorded([Answer("probe", "a1", "PASS", *wrong)], path))), 1)
        # A row that was not asked says nothing.
        self.assertEqual(list(answers.recorded([], path)), [])

    def test_recorded_rows_exist(self):
        probe = (probe_rows.FOLDER / "probe.py").read_text()
        for entry in json.loads((ROOT / "tests" / "recorded_aws" / "answers.json").read_text())["answers"]:
            self.assertIn(f'"{entry["row"]}"', probe)


class MatrixTest(unittest.TestCase):
    ISSUED = {"Version": "2012-10-17", "Statement": [
        {"Sid": "LatchkeyObjects", "Action": ["s3:GetObject", "s3:PutObject"], "Condition": {"StringEquals": {"a/b": "c"}}},
        {"Sid": "LatchkeyList", "Action": ["s3:ListBucket"]}]}  # fmt: skip

    def changed(self, step):
        return ablation.changed(json.loads(json.dumps(self.ISSUED)), step)

    def test_changes(self):
        self.assertEqual(self.changed({"without": "s3:PutObject"})["Statement"][0]["Action"], ["s3:GetObject"])
        self.assertEqual([statement["Sid"] for statement in self.changed({"without": "s3:ListBucket"})["Statement"]], ["LatchkeyObjects"])
        self.assertNotIn("Condition", self.changed({"unset": "/Statement/LatchkeyObjects/Condition"})["Statement"][0])
        self.assertEqual(self.changed({"set": "/Statement/0/Condition/StringEquals/a~1b", "to": "d"})["Statement"][0]["Condition"], {"StringEquals": {"a/b": "d"}})
        self.assertEqual(len(self.changed({"add": {"Sid": "New"}})["Statement"]), 3)
        statement = ablation.changed({"Sid": "Key", "Action": ["kms:Encrypt", "kms:Decrypt"]}, {"without": "kms:Decrypt"})
        self.assertEqual(statement["Action"], ["kms:Encrypt"])

    def test_rows_have_names_of_their_own_and_a_document_if_they_fail(self):
        rows = ablation.matrix()
        self.assertEqual(len({row["name"] for row in rows}), len(rows))
        for row in rows:
            self.assertIn(row["mode"], ablation.MODES)
            self.assertEqual(bool(row["fails"]), "document" in row, row["name"])
            for step in row["change"]:
                self.assertEqual(len({"do", "without", "add", "set", "unset"} & step.keys()), 1, row["name"])
        self.assertTrue(0 < len(ablation.matrix(short=True)) < len(rows))

    def test_a_verification_is_as_expected_only_with_the_same_checks_and_document(self):
        def verification(*failed, document="bucket-policy"):
            return {"verdict": "rejected" if failed else "verified", "checks": [{"name": name, "status": "failed", "fix": {"document": document}} for name in failed]}

        row = {"fails": ["object-readable"], "document": "bucket-policy"}
        self.assertTrue(ablation.is_as_expected(row, verification("object-readable")))
        self.assertFalse(ablation.is_as_expected(row, verification()))
        self.assertFalse(ablation.is_as_expected(row, verification("object-readable", "object-writable")))
        self.assertFalse(ablation.is_as_expected(row, verification("object-readable", document="role-permissions")))
        self.assertTrue(ablation.is_as_expected({"fails": []}, verification()))
        self.assertFalse(ablation.is_as_expected({"fails": []}, verification("object-readable")))


class CleanupTest(unittest.TestCase):
    def test_one_failure_does_not_keep_the_rest(self):
        from botocore.exceptions import ClientError

        iam = mock.MagicMock()
        listed = {"list_roles": [names.prefix("0a1b2c3d") + "a", names.prefix("0a1b2c3d") + "b", "theirs"], "list_users": [], "list_policies": []}
        iam.get_paginator.side_effect = lambda operation: mock.Mock(**{"paginate.return_value.search.return_value": listed[operation]})
        iam.get_role.return_value = {"Role": {}}
        iam.list_role_policies.return_value, iam.list_attached_role_policies.return_value = {"PolicyNames": []}, {"AttachedPolicies": []}
        iam.delete_role.side_effect = [ClientError({"Error": {"Code": "DeleteConflict", "Message": "in use"}}, "DeleteRole"), None]
        nothing = mock.MagicMock(**{"list_buckets.return_value": {"Buckets": []}})
        account = mock.Mock(client=lambda service, _: iam if service == "iam" else nothing)
        deleted, failed = cleanup.sweep(account, ["us-east-1"])
        self.assertEqual(deleted, [f"role {names.prefix('0a1b2c3d')}b"])
        self.assertEqual(len(failed), 1)
        self.assertEqual([call.kwargs["RoleName"] for call in iam.delete_role.call_args_list], listed["list_roles"][:2])

    def test_what_could_not_be_deleted_is_printed(self):
        with mock.patch.object(cleanup, "sweep", return_value=([], ["role x: in use"])), contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual(cleanup.clean([mock.Mock(role="vendor", id="1")], ["us-east-1"]), ["role x: in use"])
        self.assertIn("role x: in use", printed.getvalue())


if __name__ == "__main__":
    unittest.main()
