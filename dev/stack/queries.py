"""The descriptions of the SQL queries, .sqlx/: what lets the crate be built without a database.

Sqlx writes them while it compiles the crate against a database that has the schema, as `cargo sqlx prepare` makes it do."""

import shutil

from stack import cargo, processes
from stack.places import ROOT

COMMITTED = ROOT / ".sqlx"


def describe(command, server, folder, **running):
    """Compiles by `command`, and returns its exit code. The descriptions are then in `folder`."""
    server.psql("postgres", "drop database if exists queries with (force);\ncreate database queries")
    for migration in sorted((ROOT / "migrations").glob("*.sql")):
        script = migration.read_text()
        server.psql("queries", script, transaction=not script.startswith("-- no-transaction"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # Only what is compiled anew is described.
    (ROOT / "src" / "lib.rs").touch()
    env = cargo.environment(DATABASE_URL=server.url("queries"), SQLX_OFFLINE="false", SQLX_OFFLINE_DIR=str(folder))
    return processes.run(command, env=env, **running)


def difference(folder):
    """How the committed descriptions differ from those in `folder`; nothing when they do not."""
    found, wanted = contents(COMMITTED), contents(folder)
    parts = {
        "missing": len(wanted.keys() - found.keys()),
        "no longer used": len(found.keys() - wanted.keys()),
        "different": sum(found[name] != wanted[name] for name in found.keys() & wanted.keys()),
    }
    return ", ".join(f"{count} {what}" for what, count in parts.items() if count)


def commit(folder):
    shutil.rmtree(COMMITTED, ignore_errors=True)
    shutil.copytree(folder, COMMITTED)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.glob("query-*.json")}
