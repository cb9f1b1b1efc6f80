"""The mailbox, dev/inbox, as a process."""

import os
import sys

from stack import ports, processes, web
from stack.paths import DEV


def start(folder):
    """Starts it, and returns its process, the URL of its page, and Latchkey's settings for it."""
    smtp, page = ports.free_port(), ports.free_port()
    url = f"http://127.0.0.1:{page}"
    command = [sys.executable, "-m", "inbox", "--smtp-port", str(smtp), "--http-port", str(page)]
    process = processes.start("the mailbox", command, log=folder / "inbox.log", env=os.environ | {"PYTHONPATH": str(DEV)})
    try:
        process.wait_until(lambda: web.answers(f"{url}/mails.json"))
    except BaseException:
        process.stop()
        raise
    settings = {"LATCHKEY_SMTP_URL": f"smtp://127.0.0.1:{smtp}", "LATCHKEY_MAIL_FROM": "Example Vendor <storage@vendor.example>"}
    return process, url, settings
