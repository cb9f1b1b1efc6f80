"""Committed files that are generated. To add one, add a line to FILES: its path, and what generates it."""

import os

from stack import latchkey, proofreading
from stack.paths import ROOT

# Arguments of `latchkey`, or a function.
FILES = {
    "openapi.json": ["openapi"],
    "openapi-customer.json": ["openapi", "--customer"],
    "docs/checks.md": ["checks"],
    "docs/metrics.md": ["metrics"],
    "docs/operators/settings.md": ["settings"],
    "docs/proofreading.md": proofreading.page,
}


def stale(binary):
    """The files that are out of date, each with its new text."""
    new = {path: source() if callable(source) else latchkey.call(binary, os.environ, *source) for path, source in FILES.items()}
    return {path: text for path, text in new.items() if read(path) != text}


def read(path):
    file = ROOT / path
    return file.read_text() if file.exists() else None


def write(files):
    for path, text in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
