"""python -m inbox"""

import argparse
import email
import email.policy
import html
import json
import threading
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"
# The mails are shown in frames without scripts; links open in a new tab.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Mailbox</title><meta http-equiv="refresh" content="5">
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 900px; margin: 24px auto; padding: 0 16px }} li {{ margin: 8px 0 }}
iframe {{ width: 100%; height: 480px; border: 1px solid #ccc }} pre {{ white-space: pre-wrap; background: #f4f5f7; padding: 12px }}</style></head>
<body>{body}</body></html>"""


@dataclass(frozen=True)
class Mail:
    to: str
    sender: str
    subject: str
    at: str
    text: str
    html: str


class Mails:
    def __init__(self):
        self.lock = threading.Lock()
        self.received = []

    def add(self, to, message):
        parts = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
        text = {kind: part.get_content() if part else "" for kind, part in parts.items()}
        mail = Mail(to, str(message["from"]), str(message["subject"]), str(message["date"]), text["plain"], text["html"])
        with self.lock:
            self.received.append(mail)

    def all(self):
        with self.lock:
            return list(self.received)


class Receiver:
    """What aiosmtpd calls for each mail."""

    def __init__(self, mails):
        self.mails = mails

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        for to in envelope.rcpt_tos:
            self.mails.add(to, message)
        return "250 2.0.0 Kept"


class Page(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        mails = self.server.mails.all()
        path = self.path.rstrip("/")
        if path == "/mails.json":
            self.answer("application/json", json.dumps([asdict(mail) for mail in mails]))
        elif path == "":
            self.answer("text/html; charset=utf-8", listing(mails))
        elif path.removeprefix("/").isdecimal() and int(path.removeprefix("/")) < len(mails):
            self.answer("text/html; charset=utf-8", one(mails[int(path.removeprefix("/"))]))
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def answer(self, media_type, text):
        body = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def listing(mails):
    rows = [
        f'<li><a href="/{number}">{html.escape(mail.subject)}</a> to {html.escape(mail.to)}<br><small>{html.escape(mail.at)}</small></li>'
        for number, mail in reversed(list(enumerate(mails)))
    ]
    return PAGE.format(body=f"<h1>Mailbox</h1><ul>{''.join(rows) or '<li>No mail yet.</li>'}</ul>")


def one(mail):
    # A mail that is open must not reload.
    body = PAGE.replace('<meta http-equiv="refresh" content="5">', "")
    frame = mail.html.replace("<head>", '<head><base target="_blank">', 1)
    return body.format(
        body=f'<p><a href="/">Mailbox</a></p><h1>{html.escape(mail.subject)}</h1><p>From {html.escape(mail.sender)}, to {html.escape(mail.to)},'
        f' {html.escape(mail.at)}</p><iframe sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{html.escape(frame)}"'
        f' title="HTML"></iframe><h2>Text</h2><pre>{html.escape(mail.text)}</pre>'
    )


def main():
    parser = argparse.ArgumentParser(prog="inbox")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    options = parser.parse_args()
    mails = Mails()
    controller = Controller(Receiver(mails), hostname=HOST, port=options.smtp_port)
    controller.start()
    pages = ThreadingHTTPServer((HOST, options.http_port), Page)
    pages.mails = mails
    pages.serve_forever()


main()
