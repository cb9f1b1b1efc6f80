#!/usr/bin/env python3
"""Compares the AWS stand-in to AWS: runs probe.py and requires every row to pass.

usage: run.py --endpoint http://127.0.0.1:14566

Needs boto3 and requests. Prints a line `rows: N passed, N failed`; the exit code is 0 only if no row failed.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

REQUIRED = 400


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="where the stand-in listens")
    arguments = parser.parse_args()
    probe = pathlib.Path(__file__).with_name("probe.py")
    with tempfile.TemporaryDirectory() as folder:
        results = pathlib.Path(folder) / "results.json"
        subprocess.run(
            [sys.executable, probe, "--name", "overlay", "--endpoint", arguments.endpoint, "--out", results],
            stdout=subprocess.DEVNULL, check=True)
        rows = json.loads(results.read_text())["rows"]
    passed = [row for row in rows if row["verdict"] == "PASS"]
    failed = [row for row in rows if row["verdict"] != "PASS"]
    for row in failed:
        print(f"FAILED   {row['id']}: {row['title']}; wanted {row['want']}, got {row['got'][:200]}")
    if len(passed) < REQUIRED:
        print(f"FAILED   only {len(passed)} rows passed instead of at least {REQUIRED}")
    print(f"rows: {len(passed)} passed, {len(failed)} failed")
    return 1 if failed or len(passed) < REQUIRED else 0


if __name__ == "__main__":
    sys.exit(main())
