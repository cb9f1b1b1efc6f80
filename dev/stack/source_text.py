"""The text in source files: sentences for people in Rust strings, doc comments and page templates."""

import html
import re
from pathlib import Path

RUST_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<raw>\bb?r(?P<hashes>\#*)"(?P<raw_text>.*?)"(?P=hashes))
    |(?P<string>b?"(?P<text>(?:\\.|[^"\\])*)")
    |(?P<char>'(?:\\.|[^'\\\n])')
    """,
    re.VERBOSE | re.DOTALL,
)
TEST_MODULE = re.compile(r"^#\[cfg\(test\)\]\nmod \w+ \{.*", re.MULTILINE | re.DOTALL)
CONTINUATION = re.compile(r"\\\n\s*")
ESCAPES = {r"\"": '"', r"\\": "\\", r"\n": "\n", r"\t": "\t"}
LOG_MACRO = re.compile(r"\b(?:trace|debug|info|warn|error)!\([^;]*$")
SQL = re.compile(r"^\s*(?:select|insert into|delete from|update \w+ set|with \w+ as)\b")
WORDS = re.compile(r"[A-Za-z][a-z’']+[,;:.]? (?:\S+ )*[A-Za-z(\"{“]")
# Headers of HTTP, style sheets and other strings for machines.
TECHNICAL = re.compile(r"; charset=|^attachment;|max-age=|-src '|^:root|^latchkey \S+( \S+){0,2}$")
CODE = re.compile(r"\n.*[={]|\| jq '", re.DOTALL)
JS_STRING = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'|`([^`\n]*)`")
SELECTOR = re.compile(r"[\[=>/]|^\w+, \w+|^use strict$")
HIDDEN = re.compile(r"<(script|style|svg|pre)\b.*?</\1>", re.DOTALL)
ATTRIBUTE = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
INLINE = re.compile(r"</?(?:a|abbr|b|code|em|i|span|strong|small|time|kbd|wbr)\b[^>]*>")


def rust_sentences(path, logs=False):
    """The sentences in strings outside tests, either those that are logged or all others."""
    text = TEST_MODULE.sub("", path.read_text())
    chosen = [literal for literal, logged in literals(text) if logged == logs and is_prose(literal)]
    return unique(text for literal in chosen for text in (code_texts(literal) if CODE.search(literal) else [literal]))


def literals(text):
    for token in RUST_TOKEN.finditer(text):
        if token["text"] is None and token["raw_text"] is None:
            continue
        line = text[text.rfind("\n", 0, token.start()) + 1 : token.start()]
        if line.lstrip().startswith("#[") and not line.lstrip().startswith("#[error("):
            continue
        statement = text[text.rfind(";", 0, token.start()) + 1 : token.start()]
        yield unescape(token["text"]) if token["text"] is not None else token["raw_text"], bool(LOG_MACRO.search(statement))


def unescape(text):
    return re.sub(r'\\["\\nt]', lambda match: ESCAPES[match[0]], CONTINUATION.sub("", text))


def script_texts(path):
    """The comments and messages of a shell script, or of code in a Rust string."""
    return unique(code_texts(path.read_text()))


def page_script_texts(path):
    """The messages in a page's JavaScript."""
    text = re.sub(r"(?m)^\s*//.*$", "", path.read_text())
    found = [next(filter(None, match), "") for match in JS_STRING.findall(text)]
    return unique(text for text in found if is_prose(re.sub(r"\$\{[^}]*\}", "one", text)) and not SELECTOR.search(text))


def code_texts(text):
    for line in text.splitlines():
        if comment := re.match(r"\s*#+ (.*)", line):
            yield comment[1]
        else:
            yield from filter(is_prose, re.findall(r'"((?:\\.|[^"\\$`])*)"', line))


def is_prose(text):
    return bool(WORDS.search(text)) and not text.lstrip().startswith(("<", "{\"", "--")) and not SQL.match(text) and not TECHNICAL.search(text)


def page_texts(path):
    """The texts of an Askama template, with expressions as `{expression}`."""
    text = HIDDEN.sub("", path.read_text())
    text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "\n", text, flags=re.DOTALL)
    text = re.sub(r"\{\{-?\s*(.*?)\s*-?\}\}", r"{\1}", text)
    found = [match[1] for match in ATTRIBUTE.finditer(text)]
    text = re.sub(r"<[^>]*>", "\n", INLINE.sub("", text))
    return unique(piece for piece in (html.unescape(" ".join(line.split())) for line in [*text.split("\n"), *found]) if re.search(r"[A-Za-z]{2}", re.sub(r"\{[^}]*\}", "", piece)))


def unique(texts):
    return list(dict.fromkeys(" ".join(text.split()) for text in texts))


def rust_files(folder):
    return sorted(path for path in Path(folder).rglob("*.rs") if "tests" not in path.stem)
