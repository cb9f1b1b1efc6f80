"""./dev/bench scale"""

from stack import terminal
from stack.bench import load, read, tenants, testbed
from stack.bench.report import Figure

FEW, MANY = 1_000, 1_000_000


def measure(bed):
    load.need()
    sides, memory, starts = [], [], []
    for count in (FEW, MANY):
        terminal.heading(f"{count:,} tenants")
        name = f"scale_{count}"
        database = bed.database(name)
        tenants.fill(bed.server, name, 1, count)
        token = bed.token(database)
        process, url, seconds = bed.serve(name, database)
        # First the same number of different tenants on both sides, which fits the CPU's caches, then more than fit.
        for different in (FEW, read.PATHS)[: 1 if count == FEW else 2]:
            name = f"{different:,} tenants among {count:,}"
            sides.append(read.config_reads(bed, process, url, token, count, different, name))
        memory.append(testbed.resident_mib(process))
        starts.append(seconds)
    (few, many, _), (ratio, of_cold) = load.compare(*sides)
    return [
        Figure("config reads with 1 000 tenants", few["per_second"], "/s"),
        Figure("config reads with 1 000 000 tenants, reading 1 000 of them", many["per_second"], "/s"),
        Figure("1 000 000 tenants: throughput / with 1 000", ratio["per_second"], at_least=0.9),
        Figure("1 000 000 tenants: p99 / with 1 000", ratio["p99_ms"], at_most=1.1),
        Figure("1 000 000 tenants, reading 20 000 of them: throughput / with 1 000", of_cold["per_second"]),
        Figure("1 000 000 tenants, reading 20 000 of them: p99 / with 1 000", of_cold["p99_ms"]),
        Figure("memory per tenant", (memory[1] - memory[0]) * 2**20 / (MANY - FEW), "bytes"),
        Figure("resident memory with 1 000 000 tenants", memory[1], "MiB"),
        Figure("start to ready with 1 000 000 tenants", starts[1], "s"),
    ]
