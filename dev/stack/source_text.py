"""The text in source files: sentences for people in Rust strings, page templates, and the scripts of pages and of dev/."""

import ast
import html
import itertools
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
TEST_MODULE = re.compile(r"^#\[cfg\(test\)\]\n(?:#\[[^\n]*\]\n)*mod \w+ \{.*", re.MULTILINE | re.DOTALL)
CONTINUATION = re.compile(r"\\\n\s*")
ESCAPES = {r"\"": '"', r"\\": "\\", r"\n": "\n", r"\t": "\t"}
LOG_MACRO = re.compile(r"\b(?:trace|debug|info|warn|error)!\(")
# Before what a panic says, why a lint is off, and names of headers and JSON fields.
NOT_READ = re.compile(r"(?:\.expect\(|\b(?:panic|unreachable)!\(|\bassert(?:_eq|_ne)?!\([^;]*|\breason = |\bfrom_static\(|\bfield\()\s*$")
JSON_KEY = re.compile(r"\s*:(?!:)")
SQL = re.compile(
    r"""
    (?:[=<>(]|\blimit)\ \(?\$\d\b|@>
    |^\s*(?:select|insert\ into|delete\ from|update\ \w+\ set|with\ \w+\ as|lock\ table|begin\ isolation|from\ \w+\ where|order\ by|alter\ system|drop\ database|vacuum)\b
    |^\s*\\?set\ \w+\ [={]
    |^\s(?:id,\ |and\ \(\w+,\ |and\ \S+\ (?:=|like))
    |^\)\ page\ join
    """,
    re.VERBOSE,
)
WORDS = re.compile(r"[A-Za-z][a-z’']+[,;:.]? (?:\S+ )*[A-Za-z(\"{“]")
# A title, a button, a status, or a quantity.
LABEL = re.compile(r"^(?:[A-Z][A-Za-z]*[a-z](?:-[a-z]+)?|AWS \w+|ID|URL)[.…]?$|^(?:\d+|\{[^}]*\}) [a-z]+(?:\{[^}]*\})?$")
# Headers of HTTP, style sheets, options, assignments and other strings for machines.
TECHNICAL = re.compile(
    r"""
    ;\ charset=|^attachment;|max-age=|^private,\ no-cache$|^Bearer\ |^Authorization:\ |-src\ '|^:root
    |^latchkey\ \S+(?:\ \S+){0,2}$|^--\S+\ [{-]|^--policy-name|^--argjson|^export\ \{|^cd\ "
    |^\w+\ \{\w+:\?\}$|^\s*\w+\s+=\ \{
    """,
    re.VERBOSE,
)
CODE = re.compile(r"\n.*[={]|\| jq '", re.DOTALL)
# A shell script prints it. It may continue on the next line.
MESSAGE = re.compile(r"""\b(?:say|fail|echo|printf) (?:"((?:\\.|[^"\\])*)|'([^']*))""")
# A regular expression, or options of the AWS CLI.
PATTERN = re.compile(r"\\[bdsw(]|\w --[a-z]")
JS_STRING = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'|`([^`\n]*)`")
SELECTOR = re.compile(r"[\[=>/]|^\w+, \w+|^use strict$")
HIDDEN = re.compile(r"<(script|style|svg|pre)\b.*?</\1>", re.DOTALL)
ATTRIBUTE = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
INLINE = re.compile(r"</?(?:a|abbr|b|code|em|i|span|strong|small|time|kbd|wbr)\b[^>]*>")


def rust_sentences(path, logs=False, labels=False):
    """The sentences in strings outside tests, either those that are logged or all others, with or without labels."""
    text = TEST_MODULE.sub("", path.read_text())
    return unique(text for literal, logged in literals(text) if logged == logs for text in literal_texts(literal, labels))


def literal_texts(literal, labels):
    if literal.startswith("<!doctype"):
        return html_texts(literal)
    if not is_prose(literal) and not (labels and LABEL.search(literal)):
        return []
    return code_texts(literal) if CODE.search(literal) else [literal]


def literals(text):
    for token in RUST_TOKEN.finditer(text):
        if token["text"] is None and token["raw_text"] is None or JSON_KEY.match(text, token.end()):
            continue
        line = text[text.rfind("\n", 0, token.start()) + 1 : token.start()]
        if line.lstrip().startswith("#[") and not line.lstrip().startswith("#[error("):
            continue
        statement = text[text.rfind(";", 0, token.start()) + 1 : token.start()]
        if not NOT_READ.search(statement):
            yield unescape(token["text"]) if token["text"] is not None else token["raw_text"], is_logged(statement)


def is_logged(statement):
    """Whether the statement ends within the parentheses of a log macro."""
    return any(is_open(statement[macro.end() :]) for macro in LOG_MACRO.finditer(statement))


def is_open(arguments):
    depths = itertools.accumulate({"(": 1, ")": -1}.get(char, 0) for char in arguments)
    return min(depths, default=0) >= 0


def unescape(text):
    return re.sub(r'\\["\\nt]', lambda match: ESCAPES[match[0]], CONTINUATION.sub("", text))


def script_texts(path):
    """The comments and messages of a shell script, or of code in a Rust string."""
    return unique(code_texts(path.read_text()))


def mail_texts(path):
    """The lines of a mail's text template, with placeholders in braces."""
    text = re.sub(r"\{%-?.*?-?%\}", "\n", path.read_text())
    lines = (re.sub(r"\{\{ *(.*?) *\}\}", r"{\1}", line).strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if re.search(r"[A-Za-z]{2}.* ", re.sub(r"\{.*?\}", "", line))))


def page_script_texts(path):
    """The messages in a page's JavaScript."""
    text = re.sub(r"(?m)^\s*//.*$", "", path.read_text())
    found = [next(filter(None, match), "") for match in JS_STRING.findall(text)]
    return unique(text for text in found if is_script_text(re.sub(r"\$\{[^}]*\}", "one", text)) and not SELECTOR.search(text))


def is_script_text(text):
    return is_prose(text) or bool(LABEL.search(text))


def python_sentences(path):
    """The messages of a script of dev/, with expressions as `{expression}`."""
    tree = ast.parse(path.read_text())
    # Docstrings, and the parts of f-strings.
    skipped = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    skipped |= {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = sorted((node for node in ast.walk(tree) if is_string(node) and node not in skipped), key=lambda node: (node.lineno, node.col_offset))
    return unique(string_text(node) for node in found if is_prose(without := string_text(node, "{}")) and not PATTERN.search(without))


def is_string(node):
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def string_text(node, expression=None):
    """The text of a string, with its expressions or with `expression` instead of each of them."""
    if isinstance(node, ast.Constant):
        return node.value
    return "".join(part.value if isinstance(part, ast.Constant) else expression or f"{{{ast.unparse(part.value)}}}" for part in node.values)


def code_texts(text):
    for line in text.splitlines():
        if comment := re.match(r"\s*#+ (?!shellcheck )(.*)", line):
            yield comment[1]
        elif MESSAGE.search(line):
            yield from filter(has_words, (double or single for double, single in MESSAGE.findall(line)))
        else:
            yield from filter(is_prose, re.findall(r'"((?:\\.|[^"\\$`])*)"', line))


def has_words(message):
    return bool(re.search(r"[A-Za-z]{2}", re.sub(r"\$\(.*|\$\w+", "", message)))


def is_prose(text):
    return bool(WORDS.search(" ".join(text.split()))) and not text.lstrip().startswith(("<", "{\"")) and not SQL.search(text) and not TECHNICAL.search(text)


def page_texts(path):
    """The texts of an Askama template, with expressions as `{expression}`."""
    return html_texts(path.read_text())


def html_texts(text):
    text = HIDDEN.sub("", text)
    text = re.sub(r"\{%.*?%\}|\{#.*?#\}", "\n", text, flags=re.DOTALL)
    text = re.sub(r"\{\{-?\s*(.*?)\s*-?\}\}", r"{\1}", text)
    found = [match[1] for match in ATTRIBUTE.finditer(text)]
    text = re.sub(r"<[^>]*>", "\n", INLINE.sub("", text))
    return unique(piece for piece in (html.unescape(" ".join(line.split())) for line in [*text.split("\n"), *found]) if re.search(r"[A-Za-z]{2}", re.sub(r"\{[^}]*\}", "", piece)))


def unique(texts):
    return list(dict.fromkeys(" ".join(text.split()) for text in texts))


def rust_files(folder):
    return sorted(path for path in Path(folder).rglob("*.rs") if "tests" not in path.stem)
