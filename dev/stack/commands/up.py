"""./dev/up"""

import argparse

from stack import caller, cargo, places, record, site, terminal, venv, web


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="dev/up",
        description="Starts Postgres, the AWS stand-in and Latchkey in the background and writes dev/.run/env, a file for"
        " a shell to source. A variable of that file that is set already is respected, and what it stands for not started;"
        " every other LATCHKEY_... setting reaches the server. ./dev/down stops them.",
    )
    parser.parse_args(arguments)
    venv.enter()
    with places.locked("up", busy="another dev/up or dev/down is at work"):
        if is_up():
            print("Latchkey is up already.")
        else:
            # Some of them, perhaps: after a crash, or a restart of the machine.
            record.stop_all()
            start()
        show()


def is_up():
    running = record.read()
    values = read_file()
    return bool(running) and all(process.alive() for process in running) and web.answers(f"{values.get('LATCHKEY_URL')}/readyz")


def start():
    given = caller.wishes()
    binary = cargo.binary()
    print("Starting the servers", flush=True)
    running = site.start(places.folder("up"), given, binary, lasting=True, preferred_ports=(8080, 8081))
    record.write(running.processes)
    caller.write_file(running.values, given)


def read_file():
    lines = caller.FILE.read_text().splitlines() if caller.FILE.exists() else []
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
    return {name: value[1:-1].replace("'\\''", "'") for name, value in pairs}


def show():
    values = read_file()
    terminal.pair("private", f"{values['LATCHKEY_URL']}  (API, /docs, /metrics)")
    terminal.pair("public", values["LATCHKEY_PUBLIC_URL"])
    terminal.pair("AWS stand-in", values["AWS_ENDPOINT_URL"])
    terminal.pair("settings", f". {caller.FILE.relative_to(places.ROOT)}  (with an admin token in LATCHKEY_TOKEN)")
    terminal.pair("logs", f"{places.folder('up').relative_to(places.ROOT)}/*.log")
    terminal.pair("stop", "./dev/down")
