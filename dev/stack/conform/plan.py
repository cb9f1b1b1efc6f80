"""What a run creates, where, and what it costs at most. Made before the first call."""

from dataclasses import dataclass

from stack.conform import names

PARTS = ("probe", "ablation", "templates")
# The probe always uses these two.
PROBE_REGIONS = ("us-east-1", "eu-west-1")
# Prices in US dollars. AWS charges a key by the hour until its deletion is scheduled, and not afterwards.
KEY_MONTH, HOURS_OF_MONTH = 1.00, 730
KMS_REQUEST, S3_REQUEST = 0.03 / 10_000, 0.005 / 1_000
ASSUMED = "A key costs $1.00 a month by the hour until its deletion is scheduled, KMS $0.03 for 10,000 requests, S3 $0.005 for 1,000"


@dataclass(frozen=True)
class Part:
    """Upper bounds for one part: what it creates, its requests, and the time that it takes with AWS's delays."""

    keys: int
    buckets: int
    roles: int
    requests: int
    hours: float

    def __add__(self, other):
        return Part(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


NOTHING = Part(0, 0, 0, 0, 0)
# Of each part, and how much of it the short form is. Keys, buckets, roles and requests are measured: see `exceeded`.
WHOLE = {
    "probe": Part(keys=90, buckets=90, roles=150, requests=4_000, hours=3),
    "ablation": Part(keys=10, buckets=10, roles=10, requests=12_000, hours=3),
    "templates": Part(keys=8, buckets=8, roles=8, requests=2_000, hours=0.5),
}
SHORT = {
    "probe": Part(keys=20, buckets=20, roles=40, requests=800, hours=0.5),
    "ablation": Part(keys=4, buckets=4, roles=4, requests=2_000, hours=0.5),
    "templates": Part(keys=4, buckets=4, roles=4, requests=800, hours=0.25),
}


@dataclass(frozen=True)
class Plan:
    run: str
    # Account IDs or profiles by role.
    accounts: dict
    region: str
    endpoint: str | None
    parts: tuple
    short: bool = False

    @property
    def regions(self):
        probe = PROBE_REGIONS if "probe" in self.parts else ()
        return tuple(dict.fromkeys((*probe, self.region)))

    @property
    def total(self):
        table = SHORT if self.short else WHOLE
        return sum((table[part] for part in self.parts), NOTHING)

    def cost(self):
        """At most, in US dollars: every key lives as long as the run, and every request is one of the dearer service."""
        total = self.total
        return total.keys * KEY_MONTH * total.hours / HOURS_OF_MONTH + total.requests * max(KMS_REQUEST, S3_REQUEST)

    def lines(self):
        total = self.total
        where = f"the endpoint {self.endpoint}" if self.endpoint else "real AWS"
        yield f"Run {self.run} against {where}, regions {', '.join(self.regions)}"
        for role, account in self.accounts.items():
            yield f"{role}: {account}"
        yield f"Parts: {', '.join(self.parts)}{' (short form)' if self.short else ''}"
        yield (f"Creates at most {total.keys} keys, {total.buckets} buckets and {total.roles} roles, with users, policies, aliases and stacks,"
               f" all named {names.prefix(self.run)}… and tagged {names.TAG}={self.run}")
        yield f"Sends about {total.requests:,} requests in up to {total.hours:g} hours"
        yield f"Costs at most ${self.cost():.2f}. {ASSUMED}"
        yield "Deletes everything afterwards, also after a failure. Keys are deleted after 7 days, the shortest time that AWS allows"
        yield "S3 creates its key aws/s3 in the customers' accounts if they have none. It is free, and stays"


def exceeded(plan, accounts):
    """What a run needed more of than planned."""
    counted = {"keys": "kms.CreateKey", "buckets": "s3.CreateBucket", "roles": "iam.CreateRole"}
    needed = {name: sum(account.requests.get(operation, 0) for account in accounts) for name, operation in counted.items()}
    needed["requests"] = sum(count for account in accounts for count in account.requests.values())
    return [f"{count} {name} instead of at most {getattr(plan.total, name)}" for name, count in needed.items() if count > getattr(plan.total, name)]
