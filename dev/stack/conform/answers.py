"""Answers as JSON lines, without what differs from run to run, and what two sets of answers differ in."""

import json
import re
from dataclasses import dataclass

from stack.conform import names

# In this order: an ARN's account is replaced before other digits.
PATTERNS = (
    (re.compile(rf"{names.STEM}-[0-9a-f]{{8}}-"), "{run}-"),
    (re.compile(r"\b(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"), "{uuid}"),
    (re.compile(r"\bA(?:ROA|IDA|KIA|SIA|NPA)[A-Z0-9]{16,}\b"), "{unique-id}"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "{date}"),
    (re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "{date}"),
    (re.compile(r"(<(RequestId|HostId)>)[^<]*"), r"\1{request}"),
    (re.compile(r"(?i)(request ?id:? ?)[A-Z0-9-]{8,}"), r"\1{request}"),
    (re.compile(r"\bo-[a-z0-9]{10,32}\b"), "{organization}"),
    (re.compile(r"\blk-[0-9a-f]{40}\b"), "{external-id}"),
    (re.compile(r"https?://(?:127\.0\.0\.1|localhost):\d+"), "{endpoint}"),
    # Random parts: of what CloudFormation names, and of the probe's names, with its counter.
    (re.compile(r"-[0-9A-Z]{12,14}\b"), "-{random}"),
    (re.compile(r"-[0-9a-f]{6}-\d+\b"), "-{n}"),
)
ANY_ACCOUNT = re.compile(r"\b\d{12}\b")


@dataclass(frozen=True)
class Answer:
    """To one row of a part: whether it was as expected, and what AWS said."""

    part: str
    row: str
    verdict: str
    code: str = ""
    status: int = 0
    message: str = ""

    @property
    def key(self):
        return self.part, self.row


def stable(text, accounts):
    """A text with placeholders for account IDs (`accounts`: roles by ID), names, keys, request IDs and dates."""
    for account, role in accounts.items():
        text = text.replace(account, f"{{{role}}}")
    for pattern, placeholder in PATTERNS:
        text = pattern.sub(placeholder, text)
    return ANY_ACCOUNT.sub("{account}", text)


def write(path, answers):
    """One JSON object a line, in the order of the run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(vars(answer), ensure_ascii=False) + "\n" for answer in answers))


def read(path):
    return [Answer(**json.loads(line)) for line in path.read_text().splitlines() if line.strip()]


@dataclass(frozen=True)
class Difference:
    part: str
    row: str
    # With what AWS was compared.
    with_: str
    text: str

    def __str__(self):
        return f"{self.part} {self.row}, {self.with_}: {self.text}"


def unexpected(answers):
    """Answers that are not what AWS documents."""
    return [Difference(answer.part, answer.row, "documentation", f"{answer.verdict}: {told(answer)}") for answer in answers if answer.verdict != "PASS"]


def between(answers, others, name):
    """What these answers and others differ in. A row that only one of them has is a difference."""
    mine, theirs = ({answer.key: answer for answer in some} for some in (answers, others))
    for key in [*mine, *(key for key in theirs if key not in mine)]:
        here, there = mine.get(key), theirs.get(key)
        if here is None or there is None:
            yield Difference(*key, name, "there is no answer" if here is None else f"only here: {told(here)}")
        elif (here.verdict, here.code, here.status, here.message) != (there.verdict, there.code, there.status, there.message):
            yield Difference(*key, name, f"{told(here)}; there: {told(there)}")


def recorded(answers, path):
    """What these answers and the recorded ones of some rows differ in. A `*` in a recorded message matches anything."""
    by_row = {answer.key: answer for answer in answers}
    for entry in json.loads(path.read_text())["answers"]:
        answer = by_row.get(("probe", entry["row"]))
        if answer is None:
            continue
        pattern = ".*".join(re.escape(part) for part in entry["message"].split("*"))
        if (answer.code, answer.status) != (entry["code"], entry["status"]) or not re.fullmatch(pattern, answer.message):
            recorded_text = f"{entry['code']} {entry['status']}: {entry['message']}"
            yield Difference("probe", entry["row"], "recorded", f"{told(answer)}; recorded: {recorded_text}")


def told(answer):
    return f"{answer.code} {answer.status}: {answer.message}" if answer.code else f"{answer.status or answer.verdict} {answer.message}".strip()
