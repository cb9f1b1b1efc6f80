"""./dev/bench credentials"""

from stack import terminal
from stack.bench import load, read, tenants, testbed
from stack.bench.report import Figure

TENANTS = 100
COLD_CALLERS = 500


def measure(bed):
    load.need()
    database = bed.database("credentials")
    tenants.fill(bed.server, "credentials", 1, TENANTS + 1)
    token = bed.token(database)
    _, aws = bed.start("aws", "serve")
    process, url, _ = bed.serve("credentials", database, AWS_ENDPOINT_URL=aws)

    terminal.heading("Many callers at once, empty cache")
    before = calls(aws)
    cold = load.write_paths(bed.folder / "cold.paths", [path(TENANTS + 1)])
    load.run(load.Side("cold callers", url, process.pid, cold, token), seconds=1, connections=COLD_CALLERS)
    sts_calls = calls(aws) - before

    terminal.heading("Cached credentials")
    for number in range(1, TENANTS + 1):
        testbed.get(url + path(number), token)
    reads = read.config_reads(bed, process, url, token, TENANTS)
    warm = load.write_paths(bed.folder / "warm.paths", [path(1 + (number * 7919) % TENANTS) for number in range(read.PATHS)])
    (of_reads, of_warm), (ratio,) = load.compare(reads, load.Side("credentials", url, process.pid, warm, token))
    return [
        Figure(f"STS calls for {COLD_CALLERS} concurrent callers of one tenant", sts_calls, at_least=1, at_most=1),
        Figure("config reads in the same run", of_reads["per_second"], "/s"),
        Figure("credentials, warm", of_warm["per_second"], "/s"),
        Figure("credentials, warm: throughput / config reads", ratio["per_second"], at_least=0.7),
    ]


def path(number):
    return f"/internal/v1/tenants/{tenants.slug(number)}/credentials"


def calls(aws):
    return int(testbed.get(f"{aws}/calls"))
