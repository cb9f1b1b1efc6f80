"""Linters of the templates that Latchkey issues, in every format and for every partition.

examples/write_templates.rs writes the files."""

import json
import re
import subprocess
import warnings
from pathlib import Path

from stack import cargo, processes, terminal
from stack.checks.outcome import Outcome
from stack.errors import ToolError
from stack.paths import VENV

# Eight partitions, two modes, nine ways to fill in the parameters.
VARIANTS = 144
# Parliament knows only these. In the others, only the partition's name differs. It also knows only some KMS regions.
KNOWN_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
KMS_REGION = re.compile(r"(arn:[a-z-]+:kms:)[a-z0-9-]+")
PARTITION = re.compile(r"arn:(aws[a-z-]*):")


def lint(folder):
    """Counts files."""
    write = ["cargo", "run", "--quiet", *cargo.manifest(), "--example", "write_templates", "--", str(folder)]
    if processes.run(write, env=cargo.environment()) != 0:
        raise ToolError("the templates were not written; see the messages above")
    passed = failed = 0
    for pattern, linter in (("*.json", policies), ("*.yaml", cloudformation), ("*.tf", terraform), ("*.sh", shell)):
        files = sorted(Path(folder).glob(pattern))
        if len(files) != VARIANTS:
            raise ToolError(f"found {len(files)} templates {pattern} instead of {VARIANTS}")
        problems = linter(files)
        for problem in problems:
            terminal.line(problem)
        wrong = len({problem.split(":")[0] for problem in problems})
        passed, failed = passed + len(files) - wrong, failed + wrong
    return Outcome(passed, failed)


def policies(files):
    """Policy documents, with parliament: no finding above INFO."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from parliament import analyze_policy_string, enhance_finding
    problems = []
    for file in files:
        for name, text in documents(json.loads(file.read_text())):
            for finding in map(enhance_finding, analyze_policy_string(text).findings):
                if finding.severity not in ("INFO", "MUTE") and not is_unknown_to_parliament(finding):
                    problems.append(f"{file.name}: {name}: {finding.severity} {finding.issue} {finding.detail}")
    return problems


def is_unknown_to_parliament(finding):
    """Parliament's list of global condition keys lacks this one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-viaawsservice
    """
    return finding.issue == "UNKNOWN_CONDITION_FOR_ACTION" and "aws:ViaAWSService" in str(finding.detail)


def documents(issued):
    """Complete policies, as parliament expects them. Skips those with a placeholder: AWS rejects them, as intended."""
    for document in issued["documents"]:
        if document["form"] == "configuration":
            continue
        body = document["body"]
        if document["form"] == "statement":
            body = {"Version": "2012-10-17", "Statement": [body]}
        elif document["form"] == "statements":
            body = {"Version": "2012-10-17", "Statement": body}
        for whole in (body, document.get("new_key_policy")):
            text = json.dumps(whole and with_resources(document["document"], whole))
            if whole and "<" not in text:
                yield document["document"], PARTITION.sub(known_partition, KMS_REGION.sub(r"\1eu-central-1", text))


def with_resources(document, policy):
    """Makes implicit resources explicit, because parliament reads every policy as an identity policy: the role in a trust policy,
    and the key for `*` in a key policy. Drops the administrator's statement of a new key: it is AWS's own, and parliament would
    object to kms:*."""
    resource = {
        "trust-policy": "arn:aws:iam::222222222222:role/documents",
        "key-policy": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    }.get(document)
    if not resource:
        return policy
    ours = [statement for statement in policy["Statement"] if statement["Sid"] != "EnableRootAccess"]
    return policy | {"Statement": [statement | {"Resource": resource} for statement in ours]}


def known_partition(match):
    return match[0] if match[1] in KNOWN_PARTITIONS else "arn:aws:"


def cloudformation(files):
    # The others differ only in the defaults of their parameters; a Rust test ensures that.
    files = [file for file in files if file.name.startswith(("aws-assume", "aws-direct", "aws-cn-"))]
    return linter_lines([str(VENV / "bin" / "cfn-lint"), "--format", "parseable", "--regions", "eu-central-1", "--", *map(str, files)])


def terraform(files):
    import hcl2

    problems = []
    for file in files:
        try:
            with file.open() as text:
                blocks = hcl2.load(text)
        except Exception as error:  # Any error of the parser means that this is not HCL.
            problems.append(f"{file.name}: {error}")
            continue
        if not {"terraform", "variable", "resource", "output"} <= blocks.keys():
            problems.append(f"{file.name}: it has only {', '.join(blocks)}")
    return problems


def shell(files):
    # The others differ only inside quotation marks; a Rust test ensures that.
    files = [file for file in files if file.name.startswith(("aws-assume", "aws-direct"))]
    return linter_lines([str(VENV / "bin" / "shellcheck"), "--format", "gcc", *map(str, files)])


def linter_lines(argv):
    """The output of a linter: one line per problem, which starts with the file's name. A failure without output counts as one."""
    ran = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = [line.replace(str(Path(line.split(":")[0]).parent) + "/", "", 1) for line in ran.stdout.splitlines() if line.strip()]
    if ran.returncode != 0 and not lines:
        lines = [f"{Path(argv[0]).name}: {ran.stderr.strip() or ran.returncode}"]
    return lines
