"""Phrases that sound translated, or that use a private word for a common term. Each has a better form."""

import re
import subprocess
from dataclasses import dataclass

from stack import terminal
from stack.checks.outcome import Outcome
from stack.paths import ROOT

# A phrase, and what to write instead. A space also matches a line break inside a comment.
FORMS = {
    r"of (?:its|their) own accord": "automatically, or by default",
    r"anew": "again",
    r"stands? below": "is below",
    r"(?:take|takes|took|taken) on board": "add, or accept",
    r"(?:is|are|was|were|be|been) told": "is notified, or is shown",
    r"tells? of": "report, or describe",
    r"whoever": "anyone who, or those who",
    r"(?:lets?|letting) (?:nobody|everybody|anybody|strangers?) in": "denies or grants access",
    r"(?:lets?|gets?|got|getting) in": "grants, allows, is granted or is allowed access",
    r"beside": "besides, or next to",
    r"under way": "in progress, or running",
    r"at hand": "available, cached or known",
    r"mend(?:s|ed|ing|able)?": "fix",
    r"strangers?": "unauthorized caller",
    r"for ever": "forever, or never expires",
    r"(?:is|are|be|was) (?:there )?no more": "no longer",
    r"for so long": "for this long",
    r"of them all": "of all of them",
    r"once more": "again",
    r"on its way": "propagating, or in transit",
    r"all the same": "anyway",
    r"thereof|therein|thereby|henceforth|hereby": "a plainer word",
    r"set-up|set-ups": "setup",
    r"shown this once": "only shown once",
    r"to be refused": "must be denied",
    r"vouch(?:es|ed|ing)?": "authenticate, or sign",
    r"counts? from 1": "starts at 1",
    r"each for itself": "independent, or each has its own",
    r"present (?:state|secret|attempt|one)": "current",
    r"what (?:it )?(?:comes?|came) (?:of|to)": "the result",
    r"in the place of": "in place of, or replacing",
    r"there already": "existing",
    r"by and by": "eventually",
    r"look(?:s|ed)? after": "the concrete action",
    r"switch(?:es|ed)? (?:a )?tenants? (?:off|on)": "suspend or resume",
    r"recognis(?:e|es|ed|ing)": "recognize",
    r"colour(?:s|ed)?": "color",
    r"e-mail(?:s|ed)?": "email",
    r"behaviours?": "behavior",
    r"honour(?:s|ed|ing)?": "honor, or respect",
    r'\.replace\("(?:your|the vendor)': "one message per audience, in src/domain/message/",
    r"courier|landlord|drawer": "outbound_http, seed, credential cache",
}
# Third-party text, generated files whose sources are checked, and this list.
EXCLUDED = ["dev/stack/checks/prose.py", "docs/proofreading.md", "*.lock", "*lock.json", ".sqlx", "LICENSE*"]
LINE_BREAK = r"(?:\s|\\\n|///?|//!|#|--|\*)+"


@dataclass(frozen=True)
class Finding:
    place: str
    phrase: str
    better: str


def check():
    found = [finding for path in files() for finding in findings(path, (ROOT / path).read_text(errors="replace"))]
    for finding in found:
        terminal.line(f'{finding.place}: "{finding.phrase}": write {finding.better}')
    return Outcome.of_exit_codes(len(found))


def files():
    listed = subprocess.check_output(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", ".", *(f":!{path}" for path in EXCLUDED)], cwd=ROOT, text=True)
    text = [path for path in listed.splitlines() if not path.endswith((".png", ".jpg", ".webp", ".woff2", ".ico", ".svg"))]
    return [path for path in text if (ROOT / path).is_file()]


def findings(path, text):
    for pattern, better in PATTERNS:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield Finding(f"{path}:{line}", " ".join(match[0].split()), better)


PATTERNS = [(re.compile(rf"(?<![\w-])(?:{form.replace(' ', LINE_BREAK)})(?![\w-])", re.IGNORECASE), better) for form, better in FORMS.items()]
