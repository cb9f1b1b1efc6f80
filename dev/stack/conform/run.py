"""One run: its parts against one set of accounts, and everything deleted afterwards."""

import contextlib
import time

from stack import terminal
from stack.conform import ablation, cleanup, plan, probe_rows, product, templates


def perform(the_plan, accounts, folder, binary, *, patience, certificate=None):
    """The answers of all parts, what could not be deleted, and what exceeded the plan. Deletes everything, also after a failure."""
    answers, left = [], []
    terminal.heading(f"run {the_plan.run}")
    probe_rows.wait_for_principal.disabled = not patience
    try:
        if "probe" in the_plan.parts:
            answers += timed("probe", lambda: probe_rows.run(
                accounts, the_plan.run, endpoint=the_plan.endpoint, patience=patience, short=the_plan.short))
        with contextlib.ExitStack() as stack:
            if {"ablation", "templates"} & set(the_plan.parts):
                running = stack.enter_context(product.running(
                    folder, binary, accounts["vendor"], the_plan.run, the_plan.region, patience=patience, certificate=certificate))
            if "ablation" in the_plan.parts:
                answers += timed("ablation", lambda: ablation.run(
                    running, accounts, the_plan.run, the_plan.region, patience=patience, short=the_plan.short))
            if "templates" in the_plan.parts:
                answers += timed("templates", lambda: templates.run(
                    running, accounts, the_plan.run, the_plan.region, patience=patience, short=the_plan.short, certificate=certificate))
    finally:
        terminal.heading(f"deleting what run {the_plan.run} created")
        left += cleanup.clean(accounts.values(), the_plan.regions, the_plan.run)
    return answers, left, plan.exceeded(the_plan, accounts.values())


def timed(part, fn):
    begin = time.monotonic()
    found = fn()
    passed = sum(answer.verdict == "PASS" for answer in found)
    terminal.line(f"{part}: {passed} of {len(found)} as expected, in {time.monotonic() - begin:.0f} s")
    return found
