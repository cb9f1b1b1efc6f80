import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from dataclasses import asdict
from pathlib import Path
from unittest import mock

from stack import env_file, generated, paths, ports, processes, proofreading, source_text
from stack.bench.report import BEGIN, END, Figure, missed, with_table
from stack.checks import dependencies, docs, prose, rust
from stack.demo.api_client import server_sent_events
from stack.demo.customer import Customer
from stack.demo.scenario import without_action
from stack.errors import ToolError


class EnvFileTest(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.multiple(env_file, FILE=folder / "env", DIGESTS=folder / "env-digests"))
        self.enterContext(mock.patch.dict(os.environ, clear=False))

    def test_a_shell_reads_every_value_unchanged(self):
        value = "it's \"$HOME\" `x` \\ \n two"
        env_file.write({"LATCHKEY_TOKEN": value}, {})
        script = f'. "{env_file.FILE}"; printf %s "$LATCHKEY_TOKEN"'
        self.assertEqual(subprocess.check_output(["sh", "-c", script], text=True), value)

    def test_only_the_owner_can_read_the_file(self):
        env_file.write({"LATCHKEY_TOKEN": "secret"}, {})
        self.assertEqual(env_file.FILE.stat().st_mode & 0o777, 0o600)
        self.assertNotIn("secret", env_file.DIGESTS.read_text())

    def test_variables_of_an_earlier_file_are_ignored(self):
        os.environ["DATABASE_URL"] = "postgres://mine"
        os.environ["LATCHKEY_TOKEN"] = "old"
        env_file.write({"DATABASE_URL": "postgres://mine", "LATCHKEY_TOKEN": "old"}, env_file.user_environment() | {"LATCHKEY_TOKEN": ""})
        given = env_file.user_environment()
        self.assertEqual(given["DATABASE_URL"], "postgres://mine")
        self.assertNotIn("LATCHKEY_TOKEN", given)


class DependenciesTest(unittest.TestCase):
    """The advisories are never skipped without a reason."""

    def outcome(self, code, stderr, *, has_network, **variables):
        advisories = subprocess.CompletedProcess([], code, stdout="", stderr=stderr)
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ADVISORIES_SKIPPED")} | variables
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch.object(dependencies.cargo, "tool", return_value="cargo-deny"),
            mock.patch.object(dependencies.processes, "run", return_value=0),
            mock.patch.object(dependencies.subprocess, "run", return_value=advisories),
            mock.patch.object(dependencies, "has_network", return_value=has_network),
            contextlib.redirect_stdout(io.StringIO()) as printed,
        ):
            outcome = dependencies.check()
        return outcome.passed, outcome.failed, outcome.remark, printed.getvalue()

    def test_an_unreachable_database_is_a_failure(self):
        away = "error: failed to fetch advisory database"
        self.assertEqual(self.outcome(1, away, has_network=True)[:2], (1, 1))
        self.assertEqual(self.outcome(1, away, has_network=False, CI="true")[:2], (1, 1))

    def test_without_a_network_the_reason_is_printed(self):
        away = "error: failed to fetch advisory database"
        for variables, reason in (({}, "no network"), ({"CI": "true", "ADVISORIES_SKIPPED": "air-gapped"}, "air-gapped")):
            passed, failed, remark, printed = self.outcome(1, away, has_network=False, **variables)
            self.assertEqual((passed, failed), (1, 0))
            self.assertIn(reason, remark)
            self.assertIn(reason, printed)

    def test_no_reason_hides_an_advisory(self):
        found = "error[vulnerability]: a crate has one"
        self.assertEqual(self.outcome(1, found, has_network=False, ADVISORIES_SKIPPED="air-gapped")[:2], (1, 1))
        self.assertEqual(self.outcome(0, "", has_network=True)[:2], (2, 0))


class PortsTest(unittest.TestCase):
    def setUp(self):
        used = self.enterContext(socket.socket())
        used.bind(("127.0.0.1", 0))
        used.listen()
        self.used = used.getsockname()[1]

    def test_a_used_preferred_port_is_skipped(self):
        self.assertNotEqual(ports.listen_address({}, "LISTEN", self.used), f"127.0.0.1:{self.used}")

    def test_a_used_port_in_the_settings_is_reported(self):
        with self.assertRaisesRegex(ToolError, f"LISTEN=127.0.0.1:{self.used}: the port is in use"):
            ports.listen_address({"LISTEN": f"127.0.0.1:{self.used}"}, "LISTEN", None)

    def test_the_url_of_a_server_on_all_addresses_is_on_loopback(self):
        self.assertEqual(ports.url_of("0.0.0.0:80"), "http://127.0.0.1:80")
        self.assertEqual(ports.url_of("[::]:80"), "http://[::1]:80")
        self.assertEqual(ports.url_of("10.0.0.5:80"), "http://10.0.0.5:80")


class ProcessesTest(unittest.TestCase):
    def setUp(self):
        self.log = Path(self.enterContext(tempfile.TemporaryDirectory())) / "log"

    def start(self, script):
        return processes.start("a server", ["sh", "-c", script], log=self.log, env=dict(os.environ))

    def test_stopping_a_server_stops_its_children(self):
        server = self.start("sleep 100 & echo $!; wait")
        processes.wait_for(lambda: self.log.read_text().strip(), 5)
        child = int(self.log.read_text())
        self.assertTrue(server.alive() and processes.birth(child))
        server.stop()
        self.assertFalse(server.alive())
        self.assertTrue(processes.wait_for(lambda: processes.birth(child) is None, 5))

    def test_another_process_with_the_same_pid_is_left_alone(self):
        server = self.start("sleep 100")
        processes.Process("old", server.pid, "another birth", str(self.log), int(signal.SIGKILL)).stop()
        self.assertTrue(server.alive())
        server.stop()

    def test_a_server_that_stops_while_starting_is_reported_with_its_output(self):
        server = self.start("echo no such setting; exit 1")
        with self.assertRaisesRegex(ToolError, "a server stopped.*\nno such setting"):
            server.wait_until(lambda: False)

    def test_a_server_stops_with_a_killed_tool(self):
        script = (
            "import os, time; from stack import processes;"
            f"print(processes.start('x', ['sleep', '100'], log={str(self.log)!r}, env=dict(os.environ)).pid, flush=True); time.sleep(100)"
        )
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as tool:
            pid = int(tool.stdout.readline())
            self.assertTrue(processes.birth(pid))
            tool.kill()
        self.assertTrue(processes.wait_for(lambda: processes.birth(pid) is None, 5))


class RustTest(unittest.TestCase):
    def test_tests_are_counted_in_the_junit_report(self):
        report = Path(self.enterContext(tempfile.TemporaryDirectory())) / "junit.xml"
        report.write_text('<testsuites name="nextest-run" tests="12" failures="2" errors="1"><testsuite name="it"/></testsuites>')
        self.assertEqual(rust.counts(report), (12, 3))


class DocsTest(unittest.TestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.book = self.root / "docs"
        self.book.mkdir()
        self.enterContext(mock.patch.multiple(docs, ROOT=self.root, BOOK=self.book))

    def test_blocks_in_another_language_than_they_say_are_found(self):
        page = self.root / "README.md"
        page.write_text("```json\n{}\n```\n\n```json\n{,}\n```\n\n```sh run\nif true\n```\n\n```text\n{,}\n```\n")
        self.assertEqual([problem.split(": ")[0] for problem in docs.wrong_blocks(page)], ["README.md:5", "README.md:9"])
        self.assertEqual([block.runs for block in docs.blocks(page)], [False, False, True, False])

    def test_pages_and_the_table_of_contents_agree(self):
        for name in ("SUMMARY.md", "listed.md", "forgotten.md"):
            (self.book / name).write_text("")
        (self.book / "SUMMARY.md").write_text("- [One](listed.md)\n- [Two](gone.md)\n")
        problems = list(docs.unlisted_pages())
        self.assertEqual(len(problems), 2)
        self.assertIn("docs/forgotten.md is missing from docs/SUMMARY.md", problems)


class ReportTest(unittest.TestCase):
    def test_a_target_is_a_minimum_or_a_maximum(self):
        self.assertTrue(Figure("a", 0.9, at_least=0.85).met())
        self.assertFalse(Figure("a", 0.8, at_least=0.85).met())
        self.assertFalse(Figure("a", 1.31, at_most=1.3).met())
        self.assertTrue(Figure("a", 12345.6, "/s").met())
        self.assertEqual(missed([Figure("a", 2, at_most=1), Figure("b", 1)]), 1)

    def test_a_page_gets_the_table_and_keeps_the_rest(self):
        benches = {"read": {"machine": {"cores": 2, "processor": "CPU", "memory_gib": 8, "system": "Debian", "kernel": "6.1"}, "figures": []}}
        benches["read"]["figures"] = [asdict(Figure("reads", 12345.6, "/s")), asdict(Figure("ratio", 0.9, at_least=0.85))]
        text = with_table(f"before\n{BEGIN}\nold\n{END}\nafter", benches)
        self.assertEqual(with_table(text, benches), text)
        self.assertIn("| reads | 12 346 /s |  |  |\n| ratio | 0.90 | ≥ 0.85 | met |", text)
        self.assertIn("On 2 cores of CPU, 8 GiB, Debian, Linux 6.1.", text)
        self.assertTrue(text.startswith("before\n") and text.endswith(f"{END}\nafter"))
        self.assertNotIn("old", text)


class RepositoryTest(unittest.TestCase):
    def test_every_tool_has_a_recipe(self):
        recipes = (paths.ROOT / "justfile").read_text()
        for tool in (path for path in paths.DEV.iterdir() if path.is_file() and os.access(path, os.X_OK)):
            self.assertIn(f"./dev/{tool.name}", recipes)

    def test_generated_files_are_marked_for_reviews(self):
        attributes = (paths.ROOT / ".gitattributes").read_text()
        for path in generated.FILES:
            self.assertIn(f"{path} linguist-generated", attributes)


class ImagesTest(unittest.TestCase):
    """A tag can be moved to another image, so every image has a digest."""

    IMAGE = re.compile(r"^(?:FROM|\s*image:)\s+(\S+)", re.MULTILINE)

    def test_every_image_is_pinned_by_digest(self):
        tracked = subprocess.run(["git", "ls-files"], cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout.split()
        files = [name for name in tracked if Path(name).name == "Dockerfile" or "compose" in Path(name).name]
        images = [(name, image) for name in files for image in self.IMAGE.findall((paths.ROOT / name).read_text())]
        self.assertGreater(len(images), 3)
        unpinned = [found for found in images if not re.search(r"@sha256:[0-9a-f]{64}$", found[1])]
        self.assertEqual(unpinned, [])

    def test_dockerfiles_load_no_frontend_by_tag(self):
        for name in ("Dockerfile", "dev/standin/Dockerfile"):
            self.assertNotIn("# syntax=", (paths.ROOT / name).read_text(), name)


class ProseTest(unittest.TestCase):
    def file(self, name, text):
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / name
        path.write_text(text)
        return path

    def test_sentences_are_read_from_rust(self):
        path = self.file("a.rs", """
            //! "not a string"
            #[serde(rename = "not a sentence")]
            #[error("it is \\"{0}\\" now")]
            fn f() {
                let (a, b, c) = ('"', "A sentence on \\
                    two lines.", r#"A raw "sentence"."#);
                warn!(id, "a logged sentence");
                query!("select a from b");
                let known = key.expect("what cannot happen");
                match x { A => error!("another logged sentence"), B => label("Connected", "{} minutes") }
                json!({"Effect": x})
            }
#[cfg(test)]
#[allow(lint, reason = "a test")]
mod tests { "a sentence in a test" }
        """)  # fmt: skip
        self.assertEqual(source_text.rust_sentences(path), ['it is "{0}" now', "A sentence on two lines.", 'A raw "sentence".'])
        self.assertEqual(source_text.rust_sentences(path, logs=True), ["a logged sentence", "another logged sentence"])
        self.assertEqual(source_text.rust_sentences(path, labels=True)[-2:], ["Connected", "{} minutes"])

    def test_texts_are_read_from_pages(self):
        path = self.file("a.html", '<p>Hello, <b>{{ name }}</b>{% if x %} &amp; all{% endif %}</p><style>a b</style><i aria-label="A label"></i>')
        self.assertEqual(source_text.page_texts(path), ["Hello, {name}", "& all", "A label"])

    def test_texts_are_read_from_shell_scripts(self):
        path = self.file("a.sh", "# A comment.\n[ \"$x\" = yes ] || fail \"$x is wrong\" # shellcheck\nsay 'Done.'\nsay \"$x\"\n")
        self.assertEqual(source_text.script_texts(path), ["A comment.", "$x is wrong", "Done."])

    def test_texts_are_read_from_python(self):
        path = self.file("a.py", '"""A docstring."""\nline(f"waiting for {one or two} servers")\nline("one", "two words")\nlist = r"not \\d text"\n')
        self.assertEqual(source_text.python_sentences(path), ["waiting for {one or two} servers", "two words"])

    def test_a_phrase_is_found_across_lines_of_a_comment(self):
        found = list(prose.findings("a.rs", "/// Encrypts of its own\n" "/// accord. Besides, a beside-b."))
        self.assertEqual([(finding.place, finding.phrase) for finding in found], [("a.rs:1", "of its own " "/// accord")])


class ProofreadingTest(unittest.TestCase):
    def test_every_text_is_in_a_section_or_an_exception(self):
        self.assertEqual(proofreading.unlisted(), [], "add them to SECTIONS or EXCEPTIONS in dev/stack/proofreading.py")

    def test_a_new_file_with_text_is_in_neither(self):
        src = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("new.rs", "new.html", "clock.rs"):
            (src / name).write_text('"A new sentence."' if name != "clock.rs" else "")
        with mock.patch.object(proofreading, "SRC", src):
            self.assertEqual(proofreading.unlisted(), [src / "new.rs", src / "new.html"])

    def test_sections_and_exceptions_exist(self):
        places = [place for places in proofreading.SECTIONS.values() for place in places]
        self.assertEqual(len(places), len(set(places)), "a place is in two sections")
        for place in (*places, *proofreading.EXCEPTIONS, *proofreading.LABELS):
            self.assertTrue((proofreading.SRC / place).exists(), f"src/{place} does not exist")
        for name in proofreading.TOOL_EXCEPTIONS:
            self.assertTrue((paths.DEV / "stack" / name).exists(), f"dev/stack/{name} does not exist")

    def test_every_kind_of_file_is_read(self):
        endings = {path.suffix for path in proofreading.SRC.rglob("*") if path.is_file()}
        self.assertEqual(endings - {".rs", *proofreading.READERS}, {".css", ".snap", ".svg"})


class DemoTest(unittest.TestCase):
    def test_server_sent_events(self):
        stream = [
            ": keep-alive\n", "\n", "id: 1\n", "event: check\n", 'data: {"a":\n', "data: 1}\n", "\n",
            "event:finished\r\n", "data: {}\r\n", "\r\n", "event: cut off\n", "data: {}\n",
        ]  # fmt: skip
        self.assertEqual(list(server_sent_events(stream)), [("check", {"a": 1}), ("finished", {})])

    def test_an_action_is_removed_from_a_policy_and_from_a_statement(self):
        statement = {"Sid": "Key", "Action": ["kms:Encrypt", "kms:Decrypt"]}
        self.assertEqual(without_action(statement, "kms:Decrypt")["Action"], ["kms:Encrypt"])
        policy = without_action({"Statement": [{"Action": ["s3:GetObject"]}, statement]}, "kms:Decrypt")
        self.assertEqual([part["Action"] for part in policy["Statement"]], [["s3:GetObject"], ["kms:Encrypt"]])
        self.assertIn("kms:Decrypt", statement["Action"])

    def test_a_statement_replaces_the_one_with_its_sid(self):
        customer = Customer("222222222222", "acme", "http://127.0.0.1:1", "us-east-1")
        policy = {"Statement": [{"Sid": "Root"}, {"Sid": "Key", "Action": []}]}
        for statement, count in (({"Sid": "Key", "Action": ["x"]}, 2), ({"Sid": "New"}, 3)):
            with mock.patch.object(customer, "read", return_value=json.loads(json.dumps(policy))), mock.patch.object(customer, "write") as write:
                customer.add_statement("key-policy", statement)
            written = write.call_args.args[1]["Statement"]
            self.assertEqual(len(written), count)
            self.assertIn(statement, written)
            self.assertEqual(written[0], {"Sid": "Root"})


if __name__ == "__main__":
    unittest.main()
