"""How things are shown. Colours only where a person looks at a terminal."""

import os
import sys
import textwrap

COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text, *colours):
    if not COLOURED or not colours:
        return text
    return "".join(f"\x1b[{COLOURS[colour]}m" for colour in colours) + text + "\x1b[0m"


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


def paragraph(text, *, indent=2, colours=()):
    for row in textwrap.wrap(text, width() - indent, break_long_words=False, break_on_hyphens=False):
        line(paint(row, *colours), indent=indent)


def complain(text):
    print(text, file=sys.stderr, flush=True)
