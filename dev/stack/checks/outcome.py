from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a step of ./dev/test found."""

    passed: int
    failed: int
    remark: str = ""

    @classmethod
    def of_exit_codes(cls, *codes):
        return cls(codes.count(0), len(codes) - codes.count(0))
