"""./dev/aws"""

import argparse
import os

from stack import places, ports, standin, venv
from stack.trouble import Trouble


def main(arguments):
    parser = argparse.ArgumentParser(
        prog="dev/aws",
        description="Runs the AWS stand-in alone, on loopback, until Ctrl-C. What it holds ends with it."
        " An access key that is an account's 12 digits is the root of that account.",
    )
    parser.add_argument("--port", type=int, default=4566, help="where to listen (default: %(default)s)")
    options = parser.parse_args(arguments)
    venv.enter()
    if not ports.is_free("127.0.0.1", options.port):
        raise Trouble(f"port {options.port} is taken; choose another one with --port")
    command = standin.command(options.port)
    os.execve(command[0], command, standin.environment(places.folder("aws")))
