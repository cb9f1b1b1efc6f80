"""How many bytes a year of history takes: a database of tenants that are looked at daily, with the changes of a year."""

import json
from pathlib import Path

from stack import terminal
from stack.bench.report import Figure
from stack.paths import ROOT

TENANTS = 100_000
DAYS = 365
MONTHS = 12
# Recorded verifications per tenant and year. Every other one is a repair.
CHANGES = 12
# Messages to one webhook for each of them: verification.finished, tenant.status_changed and tenant.drifted.
MESSAGES = 3
# By default, deliveries are kept for 30 days, and dropped by the month.
MONTHS_OF_DELIVERIES = 2
SQL = Path(__file__).with_name("history.sql")
ROWS = Path(__file__).with_name("history.json")
GIB = 2**30
GROWING = ("verifications", "verification_attempts", "verification_checks", "open_verifications", "drifts", "audit_events", "audit_queue", "reverifications")
PASSING = ("webhook_deliveries", "webhook_attempts")
# Of a table with all its partitions, their indexes and what is stored out of line.
SIZE = """
select pg_total_relation_size('{table}') + coalesce(sum(pg_total_relation_size(relid)), 0) from pg_partition_tree('{table}') where isleaf"""
UPDATES = "select n_tup_upd || ' ' || n_tup_hot_upd || ' ' || n_tup_ins from pg_stat_user_tables where relname = 'reverifications'"


class History:
    def __init__(self, bed, tenants):
        self.server, self.name, self.tenants = bed.server, "history", tenants
        self.server.database(self.name)
        for migration in sorted((ROOT / "migrations").glob("*.sql")):
            self.run(migration.read_text(), transaction=True)
        self.run(SQL.read_text())

    def run(self, script, *, transaction=False):
        return self.server.psql(self.name, f"set synchronous_commit = off;\n{script}", transaction=transaction)

    def ask(self, query):
        return self.server.psql(self.name, query).split()

    def size(self, table):
        return int(self.ask(SIZE.format(table=table))[0])

    def sizes(self):
        return {table: self.size(table) for table in GROWING + PASSING}

    def fill(self):
        self.run(f"call fill({self.tenants}, {quoted(ROWS.read_text())});\nvacuum analyze;")

    def month(self, month):
        """The daily looks of a month, and one recorded verification of each tenant. Vacuum runs once a day, as it would by itself."""
        first, last = DAYS * month // MONTHS, DAYS * (month + 1) // MONTHS
        days = "\n".join(f"call look({day});\nvacuum reverifications;" for day in range(first, last))
        self.run(days)
        for change in range(CHANGES * month // MONTHS, CHANGES * (month + 1) // MONTHS):
            self.run(f"call record_changes({month}, {change}, {MESSAGES if month >= MONTHS - MONTHS_OF_DELIVERIES else 0});")
        self.run("vacuum analyze;")


def measure(bed, tenants=None):
    tenants = tenants or TENANTS
    history = History(bed, tenants)
    terminal.heading(f"A year of {spaced(tenants)} tenants")
    history.fill()
    before = history.sizes()
    for month in range(MONTHS):
        history.month(month)
        terminal.line(f"month {month + 1:2}: {sum(history.sizes().values()) / tenants:,.0f} bytes per tenant in all")
    after = history.sizes()
    return figures(tenants, before, after, history.ask(UPDATES))


def figures(tenants, before, after, updates):
    grown = {table: (after[table] - before[table]) / tenants for table in GROWING}
    updated, hot, _ = (int(number) for number in updates)
    total = sum(grown.values())
    looks = tenants * DAYS
    return [
        *(Figure(f"history: {table}, bytes per tenant and year", grown[table]) for table in GROWING if abs(grown[table]) >= 1),
        Figure(f"history: all of it, bytes per tenant and year with {DAYS} looks and {CHANGES} changes", total),
        Figure(f"history: a year of {spaced(TENANTS)} tenants, measured with {spaced(tenants)}", total * TENANTS / GIB, "GiB", at_most=2),
        Figure("history: messages of one webhook that are kept for now, bytes per tenant", sum(after[table] for table in PASSING) / tenants),
        Figure("history: rows updated per unchanged look", updated / looks),
        Figure("history: of these updates, in place (HOT)", 100 * hot / updated, "%"),
        Figure("history: the row that they update, bytes per tenant with its indexes", after["reverifications"] / tenants),
    ]


def spaced(number):
    return f"{number:,}".replace(",", " ")


def quoted(text):
    return "$rows$" + json.dumps(json.loads(text)) + "$rows$"
