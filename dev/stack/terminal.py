"""Printing. Colors only on a terminal."""

import os
import sys
import textwrap

COLORS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
COLORED = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text, *colors):
    if not COLORED or not colors:
        return text
    return "".join(f"\x1b[{COLORS[color]}m" for color in colors) + text + "\x1b[0m"


def width():
    try:
        return max(60, min(os.get_terminal_size().columns, 140))
    except OSError:
        return 120


def heading(text):
    print(f"\n{paint(text, 'bold', 'cyan')}", flush=True)


def line(text="", *, indent=2):
    print((" " * indent + text).rstrip(), flush=True)


def pair(label, value, *, indent=2, label_width=14):
    line(f"{paint(label.ljust(label_width), 'dim')}  {value}", indent=indent)


def paragraph(text, *, indent=2, colors=()):
    for row in textwrap.wrap(text, width() - indent, break_long_words=False, break_on_hyphens=False):
        line(paint(row, *colors), indent=indent)


def print_error(text):
    print(text, file=sys.stderr, flush=True)
