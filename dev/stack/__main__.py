import importlib
import os
import signal
import sys

from stack import terminal
from stack.trouble import Trouble


def stop_on_signal(number, _frame):
    sys.exit(128 + number)


def main():
    command, *arguments = sys.argv[1:]
    sys.stdout.reconfigure(errors="replace", line_buffering=True)
    # As an exception, so that whatever was started is stopped on the way out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)
    # All servers are on this machine: a proxy must not be asked about them.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    try:
        return importlib.import_module(f"stack.commands.{command}").main(arguments)
    except Trouble as trouble:
        terminal.complain(f"dev/{command}: {trouble}")
        return 2
    except OSError as error:
        terminal.complain(f"dev/{command}: {error}")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
