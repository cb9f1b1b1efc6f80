"""./dev/bench read"""

import dataclasses
import statistics
import time

from stack import terminal
from stack.bench import load, tenants, testbed
from stack.bench.report import Figure

TENANTS = 1_000
# Prepared requests: each tenant several times, in an order that defeats prefetching.
PATHS = 20_000
STARTS = 5
CHANGES = 500
# Until the memory that the start needed is returned.
IDLE_SECONDS = 5


def measure(bed):
    load.need()
    database = bed.database("read")
    tenants.fill(bed.server, "read", 1, TENANTS)
    token = bed.token(database)
    figures = start_and_memory(bed, database)
    process, url, _ = bed.serve("replica-1", database)

    terminal.heading("Config reads")
    path = f"/internal/v1/tenants/{tenants.slug(1)}/storage-config"
    ours = config_reads(bed, process, url, token, TENANTS)
    smallest, smallest_url = bed.start("smallest", str(testbed.size(url + path, token)))
    # It gets the same requests, so that the client does the same work for both.
    baseline = dataclasses.replace(ours, name="minimal handler", url=smallest_url, pid=smallest.pid)
    (of_smallest, of_ours), (ratio,) = load.compare(baseline, ours)
    smallest.stop()
    figures += [
        Figure("minimal axum handler, same response size", of_smallest["per_second"], "/s"),
        Figure("config reads", of_ours["per_second"], "/s"),
        Figure("config reads: throughput / minimal handler", ratio["per_second"], at_least=0.85),
        Figure("config reads: p99 / minimal handler", ratio["p99_ms"], at_most=1.3),
        Figure("config reads: CPU time / minimal handler", ratio["cpu_us"]),
    ]

    terminal.heading("From the commit of a change to the responses of two replicas")
    _, other, _ = bed.serve("replica-2", database, LATCHKEY_NO_WORKER="true")
    env = {"DATABASE_URL": database, "LATCHKEY_TOKEN": token}
    delays = testbed.run_program(bed, "propagation", tenants.slug(1), str(CHANGES), url, other, **env)
    figures += [
        Figure("a change reaches two replicas, p50", delays["p50_ms"], "ms"),
        Figure("a change reaches two replicas, p90", delays["p90_ms"], "ms"),
        Figure("a change reaches two replicas, p99", delays["p99_ms"], "ms", at_most=1000),
    ]
    return figures


def start_and_memory(bed, database):
    terminal.heading("Start and memory")
    times = []
    for _ in range(STARTS):
        process, _, seconds = bed.serve("start", database)
        times.append(seconds * 1000)
        process.stop()
    process, _, _ = bed.serve("idle", database)
    time.sleep(IDLE_SECONDS)
    idle = testbed.resident_mib(process)
    process.stop()
    return [
        Figure("start to ready, warm database", statistics.median(times), "ms", at_most=300),
        Figure("resident memory, idle", idle, "MiB", at_most=64),
    ]


def config_reads(bed, process, url, token, count, different=PATHS, name="config reads"):
    """Reads of `different` tenants among the first `count`: always the same ones, spread evenly."""
    picked = (1 + number % different * 7919 % count for number in range(PATHS))
    paths = [f"/internal/v1/tenants/{tenants.slug(number)}/storage-config" for number in picked]
    return load.Side(name, url, process.pid, load.write_paths(bed.folder / f"{different}-of-{count}.paths", paths), token)
