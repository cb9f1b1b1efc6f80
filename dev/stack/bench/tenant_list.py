"""./dev/bench list"""

import http.client
import json
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from stack import latchkey, terminal
from stack.bench.report import Figure
from stack.trouble import Trouble

FEW, MANY = 1_000, 100_000
FILL = Path(__file__).with_name("tenants.sql")
# A process counts its tenants for its metrics every ten seconds, by two statements, which read the tables themselves
# until these have been vacuumed.
COUNTING = 2 / 10
ROUNDS = 41
LIMIT, STRIDE = 50, 200
# Pages are compared of as many tenants on either side: where few have what is asked for, of fewer.
LEAST_PAGES = 3
# How many have what is asked for, of 100,000 and of 1,000: where that is said, as many in both.
FILTERS = {
    "none": "",
    "status=active": "58 %",
    "status=invited": "11 %",
    "status=action_required": "10 %",
    "status=degraded": "6 %",
    "status=verifying": "5 %",
    "status=suspended": "4 %",
    "status=offboarded": "6 %",
    "mode=direct": "70 %",
    "mode=assume_role": "70 %",
    "failing_check=bucket-reachable": "6 %",
    "failing_check=encrypted-with-key": "1 %",
    "failing_check=bucket-listable": "60",
    "q=gmbh": "33 %",
    "q=c": "all",
    "q=acme+bank": "2.5 %",
    "q=rarely": "60",
    "q=100500": "1, by its reference",
    "q=nobody": "none",
    "q=gmbh&status=suspended": "1.4 %",
    "q=rarely&status=active": "36",
    "q=gmbh&mode=direct": "23 %",
    "q=ltd&failing_check=bucket-reachable": "2 %",
    "failing_check=bucket-reachable&status=degraded": "2 %",
    "failing_check=bucket-reachable&status=active": "none",
    "failing_check=bucket-listable&status=action_required&mode=direct": "40",
    "mode=direct&status=suspended": "3 %",
    "q=gmbh&status=active&mode=direct&failing_check=object-readable": "none",
}
PLACES = ("first", "middle", "last")
# What a page may read without an index: nothing.
SCANS = """select coalesce(sum(seq_scan), 0) from pg_stat_user_tables
where relname in ('tenants', 'tenant_terms', 'verifications', 'storage_configs', 'active_configs')"""


class Side:
    """A Latchkey with so many tenants."""

    def __init__(self, here, count):
        self.name, self.server = f"list_{count}", here.server
        url = here.database(self.name)
        # What Postgres knows of the tables is what the bench says, and when.
        self.server.psql(self.name, "alter table tenants set (autovacuum_enabled = off); alter table tenant_terms set (autovacuum_enabled = off)")
        self.server.psql(self.name, f"\\set tenants {count}\n{FILL.read_text()}")
        binary = here.programs["latchkey"]
        self.token = latchkey.make_token(binary, here.environment(url), role="viewer", name="bench")
        _, address, _ = here.serve(self.name, url, LATCHKEY_NO_WORKER="true", LATCHKEY_LOG="warn")
        self.line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)

    def get(self, path):
        self.line.request("GET", path, headers={"authorization": f"Bearer {self.token}"})
        answer = self.line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Trouble(f"{path} is answered with {answer.status}: {body.decode()}")
        return json.loads(body)

    def timed(self, path):
        begun = time.perf_counter()
        self.get(path)
        return time.perf_counter() - begun

    def count(self, query, most):
        """How many have what is asked for; `most` when there are more."""
        found, cursor = 0, ""
        while found < most and cursor is not None:
            page = self.get(f"/v1/tenants?limit={STRIDE}{query}{cursor}")
            found += len(page["items"])
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        return min(found, most)

    def pages(self, query, limit):
        """The paths of the first page, one in the middle, and the last that is full. On the way to these, in larger steps."""
        cursors = [""]
        while cursor := self.get(f"/v1/tenants?limit={STRIDE}{query}{cursors[-1]}")["next_cursor"]:
            cursors.append(f"&cursor={cursor}")
        middle, last = cursors[(len(cursors) - 1) // 2], cursors[-2:][0]
        at = last
        while (page := self.get(f"/v1/tenants?limit={limit}{query}{at}"))["items"][limit - 1 :]:
            last = at
            if not page["next_cursor"]:
                break
            at = f"&cursor={page['next_cursor']}"
        return {place: f"/v1/tenants?limit={limit}{query}{at}" for place, at in zip(PLACES, ("", middle, last), strict=True)}

    def scans(self):
        return int(self.server.psql(self.name, SCANS))


def measure(here):
    few, many = Side(here, FEW), Side(here, MANY)
    figures = []
    for knows in (False, True):
        if knows:
            for side in (few, many):
                side.server.psql(side.name, "vacuum analyze")
        terminal.heading("With statistics" if knows else "Right after filling, without statistics")
        begun, before = time.monotonic(), many.scans()
        ratios = lists(few, many)
        scans, counted = many.scans() - before, COUNTING * (time.monotonic() - begun + 20)
        # A list that does so does it every time that it is asked for.
        if scans > counted:
            raise Trouble(f"a list read a table from end to end: of {scans} scans no more than {counted:.0f} are for the metrics")
        # As it is for the minute until Postgres has looked at the tables by itself: to be known, and no target.
        when = "" if knows else ", before the first ANALYZE"
        figures += [
            Figure(f"a page of 100 000 tenants / of 1 000: median of all filters and pages{when}", statistics.median(ratios.values())),
            Figure(f"a page of 100 000 tenants / of 1 000: the worst, {max(ratios, key=ratios.get)}{when}", max(ratios.values()), at_most=2 if knows else None),
        ]
    figures.append(Figure("a page of 50 among 100 000 tenants", 1000 * many.timed(f"/v1/tenants?limit={LIMIT}"), "ms"))
    figures.append(Figure("/v1/stats of 100 000 tenants", 1000 * statistics.median(many.timed("/v1/stats") for _ in range(ROUNDS)), "ms"))
    return figures


def lists(few, many):
    """For each filter and page, what it costs more among many. The two sides take turns."""
    ratios = {}
    terminal.line(f"{'filter':68} {'have it':>20} {'limit':>5}  " + "  ".join(f"{place:>22}" for place in PLACES))
    for query, share in FILTERS.items():
        filters = f"&{query}" if query != "none" else ""
        limit = max(1, min(LIMIT, few.count(filters, LEAST_PAGES * LIMIT) // LEAST_PAGES))
        ours, theirs = few.pages(filters, limit), many.pages(filters, limit)
        told = []
        for place in PLACES:
            taken = [(few.timed(ours[place]), many.timed(theirs[place])) for _ in range(ROUNDS)]
            small, large = (statistics.median(times) for times in zip(*taken, strict=True))
            ratios[f"{query}, {place} page"] = large / small
            told.append(f"{1000 * small:6.1f} {1000 * large:6.1f} ms {large / small:5.2f}")
        terminal.line(f"{query:68} {share:>20} {limit:5}  " + "  ".join(f"{text:>22}" for text in told))
    return ratios
