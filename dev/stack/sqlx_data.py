"""The query data in .sqlx/, with which the crate compiles without a database.

sqlx writes it while it compiles the crate with a database that has the schema, as in `cargo sqlx prepare`."""

import shutil

from stack import cargo, processes
from stack.paths import ROOT

COMMITTED = ROOT / ".sqlx"


def compile_with_database(command, server, folder):
    """Runs a compile command and returns its exit code. The query data is then in `folder`."""
    server.psql("postgres", "drop database if exists queries with (force);\ncreate database queries")
    for migration in sorted((ROOT / "migrations").glob("*.sql")):
        script = migration.read_text()
        server.psql("queries", script, transaction=not script.startswith("-- no-transaction"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # sqlx writes data only for what is compiled.
    (ROOT / "src" / "lib.rs").touch()
    env = cargo.environment(DATABASE_URL=server.url("queries"), SQLX_OFFLINE="false", SQLX_OFFLINE_DIR=str(folder))
    return processes.run(command, env=env)


def difference(folder):
    """How the committed data differs from that in `folder`, in words; empty when it does not."""
    committed, current = contents(COMMITTED), contents(folder)
    counts = {
        "missing": len(current.keys() - committed.keys()),
        "unused": len(committed.keys() - current.keys()),
        "different": sum(committed[name] != current[name] for name in committed.keys() & current.keys()),
    }
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)


def commit(folder):
    shutil.rmtree(COMMITTED, ignore_errors=True)
    shutil.copytree(folder, COMMITTED)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.glob("query-*.json")}
