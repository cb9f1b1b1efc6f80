"""./dev/bench list"""

import http.client
import json
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from stack import latchkey, terminal
from stack.bench.report import Figure
from stack.errors import ToolError

FEW, MANY = 1_000, 100_000
FILL = Path(__file__).with_name("tenants.sql")
# For its metrics, a process counts tenants every ten seconds with two statements, which scan the tables until they are
# vacuumed.
METRIC_SCANS_PER_SECOND = 2 / 10
ROUNDS = 41
LIMIT, STRIDE = 50, 200
# Both sides are compared on pages of the same size. A filter that few tenants match gets smaller pages.
MIN_PAGES = 3
# The share of tenants that match, or their number, which is then the same among 1,000 and 100,000.
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
    "confirmed_before=0s": "64 %",
    "confirmed_before=3h": "36 %",
    "confirmed_before=1day": "6 %",
    "confirmed_before=30days": "none",
    "confirmed_before=0s&status=degraded": "6 %",
    "confirmed_before=0s&failing_check=bucket-reachable": "2 %",
    "confirmed_before=0s&q=rarely": "60",
    "confirmed_before=0s&mode=direct": "45 %",
    "verified_in_full_before=3days": "41 %",
}
POSITIONS = ("first", "middle", "last")
# Table scans: a page must not need any.
SCANS = """select coalesce(sum(seq_scan), 0) from pg_stat_user_tables
where relname in ('tenants', 'verifications', 'storage_configs', 'active_configs', 'reverifications')"""


class Side:
    """A Latchkey with `count` tenants."""

    def __init__(self, bed, count):
        self.name, self.server = f"list_{count}", bed.server
        url = bed.database(self.name)
        self.server.psql(self.name, f"\\set tenants {count}\n{FILL.read_text()}")
        # Autovacuum would do this within a minute.
        self.server.psql(self.name, "vacuum analyze")
        binary = bed.programs["latchkey"]
        self.token = latchkey.create_token(binary, bed.environment(url), role="viewer", name="bench")
        _, address, _ = bed.serve(self.name, url, LATCHKEY_NO_WORKER="true", LATCHKEY_LOG="warn")
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)

    def get(self, path):
        self.connection.request("GET", path, headers={"authorization": f"Bearer {self.token}"})
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise ToolError(f"{path} returned {response.status}: {body.decode()}")
        return json.loads(body)

    def timed(self, path):
        begun = time.perf_counter()
        self.get(path)
        return time.perf_counter() - begun

    def count(self, query, most):
        """How many tenants match, but `most` at most."""
        found, cursor = 0, ""
        while found < most and cursor is not None:
            page = self.get(f"/v1/tenants?limit={STRIDE}{query}{cursor}")
            found += len(page["items"])
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        return min(found, most)

    def pages(self, query, limit):
        """The paths of the first page, one in the middle, and the last full one. Skips to them in larger steps."""
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
        return {position: f"/v1/tenants?limit={limit}{query}{at}" for position, at in zip(POSITIONS, ("", middle, last), strict=True)}

    def scans(self):
        return int(self.server.psql(self.name, SCANS))


def measure(bed):
    few, many = Side(bed, FEW), Side(bed, MANY)
    terminal.heading("Lists of tenants")
    begun, before = time.monotonic(), many.scans()
    ratios = lists(few, many)
    scans, counted = many.scans() - before, METRIC_SCANS_PER_SECOND * (time.monotonic() - begun + 20)
    # A list that scans does so on every request.
    if scans > counted:
        raise ToolError(f"a list scanned a table: {scans} scans, of which the metrics explain only {counted:.0f}")
    return [
        Figure("a page of 100 000 tenants / of 1 000: median of all filters and pages", statistics.median(ratios.values())),
        Figure(f"a page of 100 000 tenants / of 1 000: the worst, {max(ratios, key=ratios.get)}", max(ratios.values()), at_most=2),
        Figure("a page of 50 among 100 000 tenants", 1000 * many.timed(f"/v1/tenants?limit={LIMIT}"), "ms"),
        Figure("/v1/stats of 100 000 tenants", 1000 * statistics.median(many.timed("/v1/stats") for _ in range(ROUNDS)), "ms"),
    ]


def lists(few, many):
    """For each filter and page, the ratio of its times among many and among few. The two sides take turns."""
    ratios = {}
    terminal.line(f"{'filter':68} {'match':>20} {'limit':>5}  " + "  ".join(f"{position:>22}" for position in POSITIONS))
    for query, share in FILTERS.items():
        filters = f"&{query}" if query != "none" else ""
        limit = max(1, min(LIMIT, few.count(filters, MIN_PAGES * LIMIT) // MIN_PAGES))
        small_pages, large_pages = few.pages(filters, limit), many.pages(filters, limit)
        cells = []
        for position in POSITIONS:
            times = [(few.timed(small_pages[position]), many.timed(large_pages[position])) for _ in range(ROUNDS)]
            small, large = (statistics.median(side) for side in zip(*times, strict=True))
            ratios[f"{query}, {position} page"] = large / small
            cells.append(f"{1000 * small:6.1f} {1000 * large:6.1f} ms {large / small:5.2f}")
        terminal.line(f"{query:68} {share:>20} {limit:5}  " + "  ".join(f"{text:>22}" for text in cells))
    return ratios
