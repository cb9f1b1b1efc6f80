"""Committed files that Latchkey prints: see stack/generated.py."""

from stack import cargo, generated, terminal
from stack.checks.outcome import Outcome


def check():
    stale = generated.stale(cargo.built())
    for path in stale:
        terminal.line(f"{path} is stale: run ./dev/generate")
    return Outcome(len(generated.FILES) - len(stale), len(stale))
