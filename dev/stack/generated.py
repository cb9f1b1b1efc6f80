"""Committed files that Latchkey prints. To add one, add a line to FILES: its path, and the arguments of `latchkey`."""

import os

from stack import latchkey
from stack.paths import ROOT

FILES = {
    "openapi.json": ["openapi"],
    "docs/checks.md": ["checks"],
    "docs/metrics.md": ["metrics"],
    "docs/operators/settings.md": ["settings"],
}


def stale(binary):
    """The files that differ from what Latchkey prints, each with its new text."""
    printed = {path: latchkey.call(binary, os.environ, *arguments) for path, arguments in FILES.items()}
    return {path: text for path, text in printed.items() if read(path) != text}


def read(path):
    file = ROOT / path
    return file.read_text() if file.exists() else None


def write(files):
    for path, text in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
