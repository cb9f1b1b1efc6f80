import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from dataclasses import asdict
from pathlib import Path
from unittest import mock

from stack import caller, ports, processes
from stack.bench.report import BEGIN, END, Figure, in_readme, missed
from stack.commands import test
from stack.demo.api import server_sent_events
from stack.demo.customer import Customer
from stack.demo.story import without_action
from stack.trouble import Trouble


class CallerTest(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.multiple(caller, FILE=folder / "env", WRITTEN=folder / "env-written"))
        self.enterContext(mock.patch.dict(os.environ, clear=False))

    def test_a_shell_reads_every_value_as_it_is(self):
        value = "it's \"$HOME\" `x` \\ \n two"
        caller.write_file({"LATCHKEY_TOKEN": value}, {})
        script = f'. "{caller.FILE}"; printf %s "$LATCHKEY_TOKEN"'
        self.assertEqual(subprocess.check_output(["sh", "-c", script], text=True), value)

    def test_the_file_is_for_its_owner_alone(self):
        caller.write_file({"LATCHKEY_TOKEN": "secret"}, {})
        self.assertEqual(caller.FILE.stat().st_mode & 0o777, 0o600)
        self.assertNotIn("secret", caller.WRITTEN.read_text())

    def test_what_an_earlier_file_set_is_no_wish(self):
        os.environ["DATABASE_URL"] = "postgres://mine"
        os.environ["LATCHKEY_TOKEN"] = "old"
        caller.write_file({"DATABASE_URL": "postgres://mine", "LATCHKEY_TOKEN": "old"}, caller.wishes() | {"LATCHKEY_TOKEN": ""})
        wishes = caller.wishes()
        self.assertEqual(wishes["DATABASE_URL"], "postgres://mine")
        self.assertNotIn("LATCHKEY_TOKEN", wishes)


class PortsTest(unittest.TestCase):
    def setUp(self):
        taken = self.enterContext(socket.socket())
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        self.taken = taken.getsockname()[1]

    def test_a_taken_port_is_passed_over(self):
        self.assertNotEqual(ports.listen_address({}, "LISTEN", self.taken), f"127.0.0.1:{self.taken}")

    def test_a_taken_port_that_was_asked_for_is_told(self):
        with self.assertRaisesRegex(Trouble, f"LISTEN=127.0.0.1:{self.taken}: this port is taken"):
            ports.listen_address({"LISTEN": f"127.0.0.1:{self.taken}"}, "LISTEN", None)

    def test_a_server_on_all_addresses_is_reached_on_loopback(self):
        self.assertEqual(ports.url_of("0.0.0.0:80"), "http://127.0.0.1:80")
        self.assertEqual(ports.url_of("[::]:80"), "http://[::1]:80")
        self.assertEqual(ports.url_of("10.0.0.5:80"), "http://10.0.0.5:80")


class ProcessesTest(unittest.TestCase):
    def setUp(self):
        self.log = Path(self.enterContext(tempfile.TemporaryDirectory())) / "log"

    def start(self, script):
        return processes.start("a server", ["sh", "-c", script], log=self.log, env=dict(os.environ))

    def test_it_is_stopped_with_all_that_it_started(self):
        server = self.start("sleep 100 & echo $!; wait")
        processes.wait_for(lambda: self.log.read_text().strip(), 5)
        child = int(self.log.read_text())
        self.assertTrue(server.alive() and processes.birth(child))
        server.stop()
        self.assertFalse(server.alive())
        self.assertTrue(processes.wait_for(lambda: processes.birth(child) is None, 5))

    def test_another_process_of_the_same_number_is_left_alone(self):
        server = self.start("sleep 100")
        processes.Process("old", server.pid, "another birth", str(self.log), int(signal.SIGKILL)).stop()
        self.assertTrue(server.alive())
        server.stop()

    def test_one_that_ends_while_starting_is_told_with_its_last_words(self):
        server = self.start("echo no such setting; exit 1")
        with self.assertRaisesRegex(Trouble, "a server stopped.*\nno such setting"):
            server.wait_until(lambda: False)

    def test_it_ends_with_a_tool_that_is_killed(self):
        script = (
            "import os, time; from stack import processes;"
            f"print(processes.start('x', ['sleep', '100'], log={str(self.log)!r}, env=dict(os.environ)).pid, flush=True); time.sleep(100)"
        )
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as tool:
            pid = int(tool.stdout.readline())
            self.assertTrue(processes.birth(pid))
            tool.kill()
        self.assertTrue(processes.wait_for(lambda: processes.birth(pid) is None, 5))


class TestRunTest(unittest.TestCase):
    def told(self, patterns, *lines):
        told = test.Told(*patterns)
        for line in lines:
            told.hear(line)
        return told.passed, told.failed

    def test_nextest(self):
        patterns = test.NEXTEST, test.NEXTEST_FAILED
        line = "     Summary [   4.012s] 12 tests run: 9 passed (1 slow), 3 failed, 3 skipped"
        self.assertEqual(self.told(patterns, line, "        FAIL x", "test result: ok. 3 passed; 0 failed"), (9, 3))
        coloured = "\x1b[32m     Summary\x1b[0m [   0.1s] 1 test run: \x1b[1m1\x1b[0m passed, 0 skipped"
        self.assertEqual(self.told(patterns, coloured), (1, 0))

    def test_cargo_test(self):
        lines = ["test result: ok. 3 passed; 0 failed; 1 ignored", "test result: FAILED. 1 passed; 2 failed; 0 ignored"]
        self.assertEqual(self.told((test.CARGO_TEST, test.CARGO_TEST_FAILED), *lines), (4, 2))


class ReportTest(unittest.TestCase):
    def test_a_target_is_a_least_or_a_most(self):
        self.assertTrue(Figure("a", 0.9, at_least=0.85).met())
        self.assertFalse(Figure("a", 0.8, at_least=0.85).met())
        self.assertFalse(Figure("a", 1.31, at_most=1.3).met())
        self.assertTrue(Figure("a", 12345.6, "/s").met())
        self.assertEqual(missed([Figure("a", 2, at_most=1), Figure("b", 1)]), 1)

    def test_the_readme_gets_the_table_and_keeps_the_rest(self):
        held = {"read": {"machine": {"cores": 2, "processor": "CPU", "memory_gib": 8, "system": "Debian", "kernel": "6.1"}, "figures": []}}
        held["read"]["figures"] = [asdict(Figure("reads", 12345.6, "/s")), asdict(Figure("ratio", 0.9, at_least=0.85))]
        text = in_readme(f"before\n{BEGIN}\nold\n{END}\nafter", held)
        self.assertEqual(in_readme(text, held), text)
        self.assertIn("| reads | 12 346 /s |  |  |\n| ratio | 0.90 | ≥ 0.85 | met |", text)
        self.assertIn("On 2 cores of CPU, 8 GiB, Debian, Linux 6.1.", text)
        self.assertTrue(text.startswith("before\n") and text.endswith(f"{END}\nafter"))
        self.assertNotIn("old", text)


class DemoTest(unittest.TestCase):
    def test_server_sent_events(self):
        stream = [
            ": keep-alive\n", "\n", "id: 1\n", "event: check\n", 'data: {"a":\n', "data: 1}\n", "\n",
            "event:finished\r\n", "data: {}\r\n", "\r\n", "event: cut off\n", "data: {}\n",
        ]  # fmt: skip
        self.assertEqual(list(server_sent_events(stream)), [("check", {"a": 1}), ("finished", {})])

    def test_an_action_is_left_out_of_a_policy_and_of_a_statement(self):
        statement = {"Sid": "Key", "Action": ["kms:Encrypt", "kms:Decrypt"]}
        self.assertEqual(without_action(statement, "kms:Decrypt")["Action"], ["kms:Encrypt"])
        policy = without_action({"Statement": [{"Action": ["s3:GetObject"]}, statement]}, "kms:Decrypt")
        self.assertEqual([part["Action"] for part in policy["Statement"]], [["s3:GetObject"], ["kms:Encrypt"]])
        self.assertIn("kms:Decrypt", statement["Action"])

    def test_a_statement_takes_the_place_of_the_one_with_its_sid(self):
        customer = Customer("222222222222", "acme", "http://127.0.0.1:1", "us-east-1")
        policy = {"Statement": [{"Sid": "Root"}, {"Sid": "Key", "Action": []}]}
        for statement, wanted in (({"Sid": "Key", "Action": ["x"]}, 2), ({"Sid": "New"}, 3)):
            with mock.patch.object(customer, "read", return_value=json.loads(json.dumps(policy))), mock.patch.object(customer, "write") as write:
                customer.add_statement("key-policy", statement)
            written = write.call_args.args[1]["Statement"]
            self.assertEqual(len(written), wanted)
            self.assertIn(statement, written)
            self.assertEqual(written[0], {"Sid": "Root"})


if __name__ == "__main__":
    unittest.main()
