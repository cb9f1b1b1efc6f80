"""README and book: links, the table of contents, and code blocks, some of which are run."""

import ast
import configparser
import json
import os
import re
import subprocess
import tomllib
from dataclasses import dataclass

from stack import cargo, debian, node, processes, servers, terminal
from stack.checks.outcome import Outcome
from stack.errors import ToolError
from stack.paths import DEV, ROOT, VENV

BOOK = ROOT / "docs"
REMARK = DEV / "markdown"
FENCE = re.compile(r"^ *```(\w*)([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+\.md)\)")


@dataclass(frozen=True)
class Block:
    """A code block. One marked ```sh run is run."""

    place: str
    language: str
    runs: bool
    text: str


def check():
    problems = [*unlisted_pages(), *(problem for page in pages() for problem in wrong_blocks(page))]
    for problem in problems:
        terminal.line(problem)
    return Outcome.of_exit_codes(links(), len(problems))


def examples(folder):
    """Runs the marked blocks of each page in order, in one shell per page."""
    scripts = {page: "\n".join(block.text for block in blocks(page) if block.runs) for page in pages()}
    scripts = {page: script for page, script in scripts.items() if script}
    if not scripts:
        return Outcome(0, 0, "no code block is marked to be run")
    debian.need("jq")
    own = folder / "examples"
    own.mkdir()
    with servers.running(own, {}, cargo.built(), fast=True) as running:
        return Outcome.of_exit_codes(*(run_script(page, script, running.client_env) for page, script in scripts.items()))


def run_script(page, script, env):
    path = os.pathsep.join((os.path.dirname(cargo.built()), str(VENV / "bin"), os.environ["PATH"]))
    # The page sets up a shell with the file of ./dev/up, which is here already.
    script = re.sub(r"^(\./dev/up|\. dev/\.run/env)$", ":", script, flags=re.MULTILINE)
    ran = subprocess.run(["sh", "-euc", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ | env | {"PATH": path}, cwd=ROOT)
    if ran.returncode != 0:
        terminal.line(f"{name(page)}: its examples fail with exit code {ran.returncode}:\n{ran.stdout}{ran.stderr}")
    return ran.returncode


def links():
    """Links between the pages, to files and to headings."""
    node.install(REMARK)
    return processes.run(["node_modules/.bin/remark", "--rc-path", "package.json", "--frail", "--quiet", "--no-stdout", *map(str, pages())], cwd=REMARK)


def pages():
    return sorted([*ROOT.glob("*.md"), *BOOK.rglob("*.md")])


def name(page):
    return str(page.relative_to(ROOT))


def unlisted_pages():
    summary = BOOK / "SUMMARY.md"
    if not summary.exists():
        return
    listed = {(BOOK / link).resolve() for link in LINK.findall(summary.read_text())}
    for page in pages():
        if page.is_relative_to(BOOK) and page != summary and page not in listed:
            yield f"{name(page)} is missing from docs/SUMMARY.md"
    for page in sorted(listed):
        if not page.exists():
            yield f"docs/SUMMARY.md lists {name(page)}, which does not exist"


def blocks(page):
    text = page.read_text()
    for match in FENCE.finditer(text):
        language, attributes, body = match.groups()
        place = f"{name(page)}:{text.count(chr(10), 0, match.start()) + 1}"
        yield Block(place, language, "run" in attributes.split(), body)


def wrong_blocks(page):
    for block in blocks(page):
        try:
            PARSERS.get(block.language, lambda _: None)(block.text)
        except Exception as error:  # Each parser has its own; all mean that the block is not in its language.
            yield f"{block.place}: this is not {block.language}: {error}"


def parse_shell(text):
    parsed = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True)
    if parsed.returncode != 0:
        raise ToolError(parsed.stderr.strip())


def parse_yaml(text):
    import yaml

    list(yaml.safe_load_all(text))


def parse_terraform(text):
    import hcl2

    hcl2.loads(text)


PARSERS = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": parse_yaml,
    "python": ast.parse,
    "ini": lambda text: configparser.ConfigParser(interpolation=None).read_string(text),
    "sh": parse_shell,
    "hcl": parse_terraform,
}
