"""./dev/demo"""

import argparse
import contextlib
import time

from stack import caller, cargo, latchkey, places, site, terminal, venv
from stack.demo import by_hand
from stack.demo.api import Api
from stack.demo.others import Others
from stack.demo.story import Story
from stack.terminal import paint
from stack.trouble import Trouble


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="dev/demo",
        description="Builds Latchkey, starts it with a Postgres and an AWS stand-in of its own, and takes three sample tenants on"
        " board by applying the issued documents in their accounts: acme and globex as they should be, initech with a"
        " permission left out, which it then adds. More tenants come to be in every other status, for the dashboard. Then it"
        " prints the dashboard's address, and the link of a tenant to play through by hand, and goes on serving until Ctrl-C.",
    )
    parser.add_argument("--once", action="store_true", help="stop at the end; the exit code is 0 only if all came out as it has to")
    options = parser.parse_args(arguments)
    venv.enter()
    binary = cargo.binary()
    if options.once:
        folder = places.own_folder("demo")
    else:
        folder = places.sole_folder("demo", busy="a demo is running already; end it with Ctrl-C, or add --once")
    with folder as path, contextlib.ExitStack() as stack:
        return play(path, stack, binary, options.once)


def play(folder, stack, binary, once):
    terminal.heading("Servers")
    # Whoever gets it wrong is told at once: here, nothing takes time to reach all of AWS.
    given = {"LATCHKEY_PROPAGATION_WINDOW": "0s"} | caller.without_wishes()
    running = site.start(folder, given, binary, preferred_ports=(None, None) if once else (8080, 8081))
    for process in running.processes:
        stack.callback(process.stop)
    service_token = latchkey.make_token(binary, running.env, role="service", name="demo-service")
    values = running.values
    terminal.pair("Latchkey", f"{values['LATCHKEY_URL']} (private)  {values['LATCHKEY_PUBLIC_URL']} (public)")
    terminal.pair("Postgres", values["DATABASE_URL"].rpartition("@")[2])
    terminal.pair("AWS stand-in", values["AWS_ENDPOINT_URL"])
    terminal.pair("vendor's roles", values["LATCHKEY_STORAGE_ROLE_ARN"])
    terminal.pair("", values["LATCHKEY_DIRECT_ROLE_ARN"])

    ops = Api(values["LATCHKEY_URL"], values["LATCHKEY_TOKEN"])
    story = Story(ops, Api(values["LATCHKEY_URL"], service_token), values)
    story.tell()
    terminal.heading("More tenants, for the dashboard")
    others = Others(ops, values, story.expect)
    others.come()
    customer, link = by_hand.prepare(ops, values)
    others.count()

    terminal.heading("The end")
    if story.surprises:
        terminal.line(paint(f"{len(story.surprises)} things did not come out as they have to:", "red", "bold"))
        for surprise in story.surprises:
            terminal.line(f"✗ {surprise}", indent=4)
    else:
        terminal.line(paint("All came out as it has to: three tenants are active, and there is one at least in every other status.", "green", "bold"))
    if once:
        if story.surprises:
            show_logs(running.processes)
        return 1 if story.surprises else 0

    by_hand.tell(customer, link, values)
    terminal.heading("The dashboard")
    terminal.pair("address", paint(f"{values['LATCHKEY_URL']}/", "bold"))
    terminal.pair("sign in with", values["LATCHKEY_TOKEN"])
    terminal.heading("Servers")
    terminal.pair("API", f"{values['LATCHKEY_URL']}/v1/tenants")
    terminal.pair("documentation", f"{values['LATCHKEY_URL']}/docs")
    terminal.pair("customers", values["LATCHKEY_PUBLIC_URL"])
    terminal.pair("admin token", values["LATCHKEY_TOKEN"])
    terminal.line(f"curl -H 'authorization: Bearer {values['LATCHKEY_TOKEN']}' {values['LATCHKEY_URL']}/v1/tenants")
    terminal.line(paint("Serving until Ctrl-C.", "bold"))
    serve(running.processes)


def serve(processes):
    with contextlib.suppress(KeyboardInterrupt):
        while all(process.alive() for process in processes):
            time.sleep(0.5)
        show_logs(process for process in processes if not process.alive())
        raise Trouble("a server has stopped")
    terminal.line("Stopping.")


def show_logs(processes):
    for process in processes:
        terminal.complain(f"\nThe end of {process.log}:\n{process.last_lines()}")
