"""./dev/bench schedule"""

import os
import re
import statistics
import time
from functools import partial
from pathlib import Path

from stack import terminal
from stack.bench import testbed
from stack.bench.report import Figure
from stack.errors import ToolError

# For its times and its WAL by statement.
POSTGRES = {"shared_preload_libraries": "pg_stat_statements"}
COUNT = 100_000
SECONDS = 30
LIMIT_SECONDS = 300
FILL = Path(__file__).with_name("schedule.sql")
SETTINGS = {
    # Not the vendor's storage role: unauthorized callers are part of a full verification.
    "LATCHKEY_DIRECT_ROLE_ARN": "arn:aws:iam::111111111111:role/direct",
    # AWS is not what is measured.
    "LATCHKEY_STS_CALLS_PER_SECOND": "100000",
    "LATCHKEY_KMS_CALLS_PER_SECOND": "100000",
    "LATCHKEY_S3_CALLS_PER_SECOND": "100000",
    # So many times 16 are in progress: enough for a core, and few enough that none waits long.
    "LATCHKEY_WORKER_CONCURRENCY": "4",
    "LATCHKEY_LOG": "error",
}
DUE_LIGHT = "due_at = now(), full_due_at = now() + interval '60 days'"
RESET = "update reverifications set leased_until = null, light_at = now() - interval '1 day', full_at = now() - interval '1 day'"
DUE_IN_FULL = "due_at = now(), full_due_at = now()"
LATER = "due_at = now() + interval '30 days', full_due_at = now() + interval '60 days'"
OWN_ROWS = "select n_tup_ins + n_tup_upd + n_tup_del from pg_stat_all_tables where schemaname = 'public' and relname = 'reverifications'"
# Each claim has the next number, also one that the end of the measurement gives back.
CLAIMS = "select sum(lease) from reverifications"
ROWS = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_all_tables where schemaname in ('public', 'graphile_worker')"
# How the statements begin that fetch work.
CLAIM, FETCH = "with due as", "with j as"


class Worker:
    """A Latchkey that works on what is due in a database, with the AWS of the benches, which takes 50 ms for each call."""

    def __init__(self, bed, database, name):
        self.bed, self.name = bed, name
        self.url = bed.database(name)
        bed.server.psql(name, f"create extension pg_stat_statements;\n\\set tenants {COUNT}\n{FILL.read_text()}")
        _, self.aws = bed.start("aws", "serve")
        self.prepare(database)

    def prepare(self, sql):
        self.psql(sql)
        self.psql("vacuum analyze")

    def psql(self, sql):
        return self.bed.server.psql(self.name, sql).strip()

    def number(self, sql):
        return int(self.psql(sql) or 0)

    def calls(self):
        return int(testbed.get(f"{self.aws}/calls"))

    def work(self, until, count=lambda: 0):
        """Works until `until` returns true. Returns what `count` returns then, and the seconds and the process's CPU seconds that it took;
        and, after what was in progress is finished, the calls of AWS, the rows written of the looks themselves and all others, and how many looks were claimed."""
        self.psql("select pg_stat_statements_reset()")
        calls, own, rows, claims = self.calls(), self.number(OWN_ROWS), self.number(ROWS), self.number(CLAIMS)
        process, _, _ = self.bed.serve(self.name, self.url, AWS_ENDPOINT_URL=self.aws, **SETTINGS)
        begun, cpu = time.monotonic(), cpu_seconds(process)
        while not until(time.monotonic() - begun):
            if time.monotonic() - begun > LIMIT_SECONDS:
                raise ToolError(f"the work took too long:\n{process.last_lines()}")
            time.sleep(0.2)
        counted, seconds, cpu = count(), time.monotonic() - begun, cpu_seconds(process) - cpu
        # Connections that end report what they have written.
        process.stop()
        own, rows = self.number(OWN_ROWS) - own, self.number(ROWS) - rows
        return counted, seconds, cpu, self.calls() - calls, own, rows - own, self.number(CLAIMS) - claims

    def wal_bytes(self, begin):
        """WAL per execution of the statement that begins like this."""
        return float(self.psql(f"select sum(wal_bytes) / sum(calls) from pg_stat_statements where query ~ '^\\s*{begin}'"))

    def median_ms(self, begin):
        """The median of the times that Postgres logged for it."""
        log = (self.bed.folder / "postgres.log").read_text(errors="replace")
        times = [float(found) for found in re.findall(rf"duration: ([\d.]+) ms +execute [^:]+: \s*{begin}", log)]
        if not times:
            raise ToolError(f"Postgres logged no statement that begins with {begin!r}")
        return statistics.median(times)


def cpu_seconds(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(bed):
    return [*reverifications(bed), *queued(bed)]


def reverifications(bed):
    terminal.heading(f"Re-verifications of {COUNT:,} storage configs")
    # The first process adopts them: they were verified with other checks.
    worker = Worker(bed, f"update reverifications set {LATER}", "due")
    worker.work(lambda _: worker.number("select count(*) from reverifications where catalogue = ''") == 0)
    worker.prepare(f"{RESET}, {DUE_LIGHT}")
    worker.psql("alter database due set log_min_duration_statement = 0")
    figures = looks(worker, "light")
    figures += fetching(worker, "due re-verifications", CLAIM)
    worker.psql("alter database due reset log_min_duration_statement")
    worker.prepare(f"{RESET}, {DUE_IN_FULL}")
    return figures + looks(worker, "full")


def looks(worker, depth):
    """Verifies again for a while, and describes what that took. What is in progress at the end is finished, and counts."""
    begun = worker.psql("select clock_timestamp()")
    found = partial(worker.number, f"select count(*) from reverifications where {depth}_at > '{begun}'")
    working, seconds, cpu, calls, own, others, claims = worker.work(lambda seconds: seconds > SECONDS, found)
    if not (count := found()):
        raise ToolError(f"nothing was verified again in {SECONDS} seconds")
    if recorded := worker.number(f"select count(*) from verifications where created_at > '{begun}'"):
        raise ToolError(f"{recorded} verifications were queued although nothing changed")
    return [
        Figure(f"{depth} re-verifications per minute and core of Latchkey", 60 * working / cpu, "/min"),
        Figure(f"{depth} re-verifications per minute, on this machine", 60 * working / seconds, "/min"),
        Figure(f"calls to AWS for a {depth} look", calls / count, at_most=5 if depth == "light" else None),
        Figure(f"rows written for a {depth} look that finds nothing new", own / claims, at_most=2 if depth == "light" else None),
        Figure(f"rows of the shared budget and of the queue for a {depth} look", others / count),
    ]


def fetching(worker, what, begin):
    name = f"fetching {what} among {COUNT // 1000} 000"
    return [Figure(f"{name}: median", worker.median_ms(begin), "ms"), Figure(f"{name}: WAL", worker.wal_bytes(begin) / 1000, "kB")]


def queued(bed):
    terminal.heading(f"{COUNT:,} queued verifications")
    worker = Worker(bed, "select queue_all(); alter database queued set log_min_duration_statement = 0", "queued")
    worker.work(lambda seconds: seconds > SECONDS / 2)
    return fetching(worker, "a queued verification", FETCH)
