"""./dev/openapi"""

import argparse
import os

from stack import cargo, latchkey
from stack.places import ROOT

COMMITTED = ROOT / "openapi.json"


def main(arguments):
    parser = argparse.ArgumentParser(prog="dev/openapi", description="Refreshes openapi.json from the handlers.")
    parser.add_argument("--check", action="store_true", help="only say whether it is stale: then the exit code is 1")
    options = parser.parse_args(arguments)
    made = latchkey.call(cargo.binary(), os.environ, "openapi")
    if COMMITTED.exists() and COMMITTED.read_text() == made:
        print("openapi.json is fresh")
    elif options.check:
        print("openapi.json is stale: run ./dev/openapi")
        return 1
    else:
        COMMITTED.write_text(made)
        print("openapi.json was refreshed")
