"""./dev/bench credentials"""

from stack import terminal
from stack.bench import load, place, read, tenants
from stack.bench.report import Figure

TENANTS = 100
COLD_CALLERS = 500


def measure(here):
    load.need()
    database = here.database("credentials")
    tenants.fill(here.server, "credentials", 1, TENANTS + 1)
    token = here.token(database)
    _, aws = here.start("aws", "serve")
    process, url, _ = here.serve("credentials", database, AWS_ENDPOINT_URL=aws)

    terminal.heading("Many callers at once, and no credentials at hand")
    before = calls(aws)
    cold = load.write_paths(here.folder / "cold.paths", [path(TENANTS + 1)])
    load.run(load.Side("cold callers", url, process.pid, cold, token), seconds=1, connections=COLD_CALLERS)
    asked = calls(aws) - before

    terminal.heading("Credentials at hand")
    for number in range(1, TENANTS + 1):
        place.get(url + path(number), token)
    reads = read.config_reads(here, process, url, token, TENANTS)
    warm = load.write_paths(here.folder / "warm.paths", [path(1 + (number * 7919) % TENANTS) for number in range(read.PATHS)])
    (of_reads, of_warm), (ratio,) = load.compare(reads, load.Side("credentials", url, process.pid, warm, token))
    return [
        Figure(f"STS calls for {COLD_CALLERS} callers at once of one tenant", asked, at_least=1, at_most=1),
        Figure("config reads beside them", of_reads["per_second"], "/s"),
        Figure("credentials, warm", of_warm["per_second"], "/s"),
        Figure("credentials, warm: throughput / config reads'", ratio["per_second"], at_least=0.7),
    ]


def path(number):
    return f"/internal/v1/tenants/{tenants.slug(number)}/credentials"


def calls(aws):
    return int(place.get(f"{aws}/calls"))
