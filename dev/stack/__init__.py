"""The developer's tools: local servers to try Latchkey on, and everything that CI runs.

Each executable in dev/ is one tool and imports what it needs from here:

    command, errors, terminal         running a tool, reporting what went wrong, printing
    paths, venv, debian, node         folders and locks; packages from PyPI, Debian and npm
    processes, ports, web             starting, watching and stopping servers; asking them
    postgres, standin, latchkey       the three servers
    aws, vendor                       clients of the AWS stand-in; the vendor's account in it
    servers, background, env_file     all servers together; keeping them running; the file that says where they are
    cargo, sqlx_data, generated       building; the committed query data; the files that Latchkey generates
    checks/, demo/, bench/            the steps of ./dev/test; ./dev/demo; ./dev/bench

Import packages from dev/.venv inside functions: a tool starts before dev/.venv exists.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("Python 3.11 or newer is needed (on Debian: apt-get install python3 python3-venv)")
