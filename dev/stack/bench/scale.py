"""./dev/bench scale"""

from stack import terminal
from stack.bench import load, place, read, tenants
from stack.bench.report import Figure

FEW, MANY = 1_000, 1_000_000


def measure(here):
    load.need()
    sides, memory, starts = [], [], []
    for count in (FEW, MANY):
        terminal.heading(f"{count:,} tenants")
        name = f"scale_{count}"
        database = here.database(name)
        tenants.fill(here.server, name, 1, count)
        token = here.token(database)
        process, url, seconds = here.serve(name, database)
        # As many are asked for, and so are in the processor's caches, on either side; and then as many as cannot be there.
        for different in (FEW, read.PATHS)[: 1 if count == FEW else 2]:
            name = f"{different:,} tenants among {count:,}"
            sides.append(read.config_reads(here, process, url, token, count, different, name))
        memory.append(place.resident_mib(process))
        starts.append(seconds)
    (few, many, _), (ratio, of_cold) = load.compare(*sides)
    return [
        Figure("config reads with 1 000 tenants, all asked for", few["per_second"], "/s"),
        Figure("config reads with 1 000 000 tenants, as many asked for", many["per_second"], "/s"),
        Figure("1 000 000 tenants: throughput / with 1 000", ratio["per_second"], at_least=0.9),
        Figure("1 000 000 tenants: p99 / with 1 000", ratio["p99_ms"], at_most=1.1),
        Figure("1 000 000 tenants, 20 000 different ones asked for: throughput / with 1 000", of_cold["per_second"]),
        Figure("1 000 000 tenants, 20 000 different ones asked for: p99 / with 1 000", of_cold["p99_ms"]),
        Figure("memory for each tenant", (memory[1] - memory[0]) * 2**20 / (MANY - FEW), "bytes"),
        Figure("resident memory with 1 000 000 tenants", memory[1], "MiB"),
        Figure("start to ready with 1 000 000 tenants", starts[1], "s"),
    ]
