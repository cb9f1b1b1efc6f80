"""./dev/bench read"""

import dataclasses
import statistics
import time

from stack import terminal
from stack.bench import load, place, tenants
from stack.bench.report import Figure

TENANTS = 1_000
# Requests prepared for the load: each tenant several times, in an order that no cache can guess.
PATHS = 20_000
STARTS = 5
CHANGES = 500
# Until what the start needed has been given back.
IDLE_SECONDS = 5


def measure(here):
    load.need()
    database = here.database("read")
    tenants.fill(here.server, "read", 1, TENANTS)
    token = here.token(database)
    figures = start_and_memory(here, database)
    process, url, _ = here.serve("replica-1", database)

    terminal.heading("Config reads")
    path = f"/internal/v1/tenants/{tenants.slug(1)}/storage-config"
    ours = config_reads(here, process, url, token, TENANTS)
    smallest, smallest_url = here.start("smallest", str(place.size(url + path, token)))
    # It gets the very same requests: the one who asks has as much to do for either.
    yardstick = dataclasses.replace(ours, name="the smallest handler", url=smallest_url, pid=smallest.pid)
    (of_smallest, of_ours), (ratio,) = load.compare(yardstick, ours)
    smallest.stop()
    figures += [
        Figure("the smallest axum handler, as many bytes", of_smallest["per_second"], "/s"),
        Figure("config reads", of_ours["per_second"], "/s"),
        Figure("config reads: throughput / the smallest handler's", ratio["per_second"], at_least=0.85),
        Figure("config reads: p99 / the smallest handler's", ratio["p99_ms"], at_most=1.3),
        Figure("config reads: processor time / the smallest handler's", ratio["processor_us"]),
    ]

    terminal.heading("From a change's commit to the answers of two replicas")
    _, other, _ = here.serve("replica-2", database, LATCHKEY_NO_WORKER="true")
    env = {"DATABASE_URL": database, "LATCHKEY_TOKEN": token}
    told = place.run_program(here, "propagation", tenants.slug(1), str(CHANGES), url, other, **env)
    figures += [
        Figure("a change to two replicas, p50", told["p50_ms"], "ms"),
        Figure("a change to two replicas, p90", told["p90_ms"], "ms"),
        Figure("a change to two replicas, p99", told["p99_ms"], "ms", at_most=1000),
    ]
    return figures


def start_and_memory(here, database):
    terminal.heading("Start and memory")
    times = []
    for _ in range(STARTS):
        process, _, seconds = here.serve("start", database)
        times.append(seconds * 1000)
        process.stop()
    process, _, _ = here.serve("idle", database)
    time.sleep(IDLE_SECONDS)
    idle = place.resident_mib(process)
    process.stop()
    return [
        Figure("start to ready, warm database", statistics.median(times), "ms", at_most=300),
        Figure("resident memory, idle", idle, "MiB", at_most=64),
    ]


def config_reads(here, process, url, token, count, different=PATHS, name="config reads"):
    """Reads of so many tenants, picked from the first `count`: always the same ones, spread evenly."""
    picked = (1 + number % different * 7919 % count for number in range(PATHS))
    paths = [f"/internal/v1/tenants/{tenants.slug(number)}/storage-config" for number in picked]
    return load.Side(name, url, process.pid, load.write_paths(here.folder / f"{different}-of-{count}.paths", paths), token)
