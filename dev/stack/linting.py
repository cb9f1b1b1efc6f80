"""Linters of the issued templates: each file as it is, in every partition.

The tests write the files: see `everything_is_written_out_for_the_linters` in src/domain/templates/tests.rs."""

import json
import re
import subprocess
import warnings
from pathlib import Path

from stack import terminal
from stack.places import VENV
from stack.trouble import Trouble

# Eight partitions, two modes, five states of what is typed in.
STATES = 80
# Parliament knows no others; of theirs, only the name of the partition is another. It knows regions of this form alone.
KNOWN_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
KMS_REGION = re.compile(r"(arn:[a-z-]+:kms:)[a-z0-9-]+")
PARTITION = re.compile(r"arn:(aws[a-z-]*):")


def lint(folder):
    """How many files passed, and how many did not."""
    passed = failed = 0
    for pattern, linter in (("*.json", policies), ("*.yaml", cloudformation), ("*.tf", terraform), ("*.sh", shell)):
        files = sorted(Path(folder).glob(pattern))
        if len(files) != STATES:
            raise Trouble(f"there are {len(files)} templates {pattern}, not {STATES}: did their test run?")
        faults = linter(files)
        for fault in faults:
            terminal.line(fault)
        wrong = len({fault.split(":")[0] for fault in faults})
        passed, failed = passed + len(files) - wrong, failed + wrong
    return passed, failed


def policies(files):
    """Every policy document, by parliament: nothing above information."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from parliament import analyze_policy_string, enhance_finding
    faults = []
    for file in files:
        for name, text in documents(json.loads(file.read_text())):
            for finding in map(enhance_finding, analyze_policy_string(text).findings):
                if finding.severity not in ("INFO", "MUTE"):
                    faults.append(f"{file.name}: {name}: {finding.severity} {finding.issue} {finding.detail}")
    return faults


def documents(issued):
    """Whole policies, as parliament reads them. One with a placeholder in it is refused by AWS, and meant to be."""
    for document in issued["documents"]:
        if document["form"] == "configuration":
            continue
        body = document["body"]
        if document["form"] == "statement":
            body = {"Version": "2012-10-17", "Statement": [body]}
        for whole in (body, document.get("new_key_policy")):
            text = json.dumps(whole and named(document["document"], whole))
            if whole and "<" not in text:
                yield document["document"], PARTITION.sub(known, KMS_REGION.sub(r"\1eu-central-1", text))


def named(document, policy):
    """Parliament reads every policy as one of a role or user. What these documents leave unsaid, it has to be told: that the
    resource of a trust policy is the role, and that `*` in a key's policy is the key. The administrator's statement of a new key
    is left out: it is AWS's own, and parliament would have kms:* narrowed."""
    unsaid = {
        "trust-policy": "arn:aws:iam::222222222222:role/documents",
        "key-policy": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    }.get(document)
    if not unsaid:
        return policy
    ours = [statement for statement in policy["Statement"] if statement["Sid"] != "EnableRootAccess"]
    return policy | {"Statement": [statement | {"Resource": unsaid} for statement in ours]}


def known(match):
    return match[0] if match[1] in KNOWN_PARTITIONS else "arn:aws:"


def cloudformation(files):
    # What differs between the others stands in the defaults of parameters alone, as a test makes sure.
    files = [file for file in files if file.name.startswith(("aws-assume", "aws-direct", "aws-cn-"))]
    return complaints([str(VENV / "bin" / "cfn-lint"), "--format", "parseable", "--regions", "eu-central-1", "--", *map(str, files)])


def terraform(files):
    import hcl2

    faults = []
    for file in files:
        try:
            with file.open() as text:
                blocks = hcl2.load(text)
        except Exception as fault:  # Whatever the parser raises, it says that this is no HCL.
            faults.append(f"{file.name}: {fault}")
            continue
        if not {"terraform", "variable", "resource", "output"} <= blocks.keys():
            faults.append(f"{file.name}: it has no more than {', '.join(blocks)}")
    return faults


def shell(files):
    # What differs between the others stands in quotation marks alone, as a test makes sure.
    files = [file for file in files if file.name.startswith(("aws-assume", "aws-direct"))]
    return complaints([str(VENV / "bin" / "shellcheck"), "--format", "gcc", *map(str, files)])


def complaints(argv):
    """A linter's lines, each of which begins with the path of a file. One that fails without a line is a complaint too."""
    ran = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = [line.replace(str(Path(line.split(":")[0]).parent) + "/", "", 1) for line in ran.stdout.splitlines() if line.strip()]
    if ran.returncode != 0 and not lines:
        lines = [f"{Path(argv[0]).name}: {ran.stderr.strip() or ran.returncode}"]
    return lines
