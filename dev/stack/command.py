"""What all tools have in common: arguments in, exit code out."""

import os
import signal
import sys
from pathlib import Path

from stack import terminal
from stack.errors import ToolError


def run(main):
    """Runs a tool and exits: 2 when it cannot do its work, 130 on Ctrl-C, and otherwise what `main` returns."""
    sys.stdout.reconfigure(errors="replace", line_buffering=True)
    # As exceptions, so that the servers that a tool started are stopped.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, exit_on_signal)
    # All servers are local: do not ask a proxy for them.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    try:
        sys.exit(main(sys.argv[1:]))
    except (ToolError, OSError) as error:
        terminal.print_error(f"dev/{Path(sys.argv[0]).name}: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def exit_on_signal(number, _frame):
    sys.exit(128 + number)
