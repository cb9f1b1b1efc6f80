"""./dev/sqlx"""

import argparse

from stack import cargo, places, postgres, queries, venv
from stack.trouble import Trouble


def main(arguments):
    parser = argparse.ArgumentParser(prog="dev/sqlx", description="Refreshes .sqlx/, the descriptions of the SQL queries, from migrations/ and src/.")
    parser.add_argument("--check", action="store_true", help="only say whether they are stale: then the exit code is 1")
    options = parser.parse_args(arguments)
    venv.enter()
    with places.own_folder("sqlx") as folder:
        server = postgres.start(folder, fast=True)
        try:
            described = folder / "described"
            command = ["cargo", "check", "--all-targets", *cargo.manifest()]
            if queries.describe(command, server, described) != 0:
                raise Trouble("the crate does not compile; the compiler says above what is wrong")
            stale = queries.difference(described)
            if stale and not options.check:
                queries.commit(described)
        finally:
            server.process.stop()
    if not stale:
        print(".sqlx is fresh")
    elif options.check:
        print(f".sqlx is stale ({stale}): run ./dev/sqlx")
        return 1
    else:
        print(f".sqlx was refreshed ({stale})")
