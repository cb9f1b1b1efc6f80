"""The developer's tools: servers for trying Latchkey out, and all that CI runs.

Each ./dev/NAME is commands/NAME.py. Below that, one idea a file:

    places, trouble, terminal      where things are, how a failure is told, how things are shown
    venv                           the Python packages that the tools need, in dev/.venv
    processes, ports, web          starting, watching and stopping servers; asking them
    postgres, standin, latchkey    the three servers
    vendor                         the vendor's account in the stand-in
    caller, site, record           what the caller's environment asks for; all servers together; which of them run
    cargo, queries                 building; the descriptions of the SQL queries
    demo/, checks/                 the story of ./dev/demo; the steps of ./dev/test

Only the standard library is imported at the top of a file: what dev/.venv holds may not be there yet.
"""
