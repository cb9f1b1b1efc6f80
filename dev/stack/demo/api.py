"""Latchkey's HTTP API, as one of its users calls it."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

from stack import web

PATIENCE_SECONDS = 120


class Refused(Exception):
    """The API answered otherwise than the story needs."""


class Api:
    def __init__(self, url, token):
        self.url = url
        self.token = token

    def get(self, path, **query):
        return self.ask("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""), 200)

    def post(self, path, body, status):
        return self.ask("POST", path, status, json.dumps(body).encode())

    def ask(self, method, path, status, body=None):
        try:
            with self.open(method, path, body) as response:
                if response.status == status:
                    return json.load(response)
                raise Refused(f"{method} {path} was answered with {response.status}, not {status}")
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path} was answered with {error.code}: {self.problem(error)}") from None
        except OSError as error:
            raise Refused(f"{method} {path}: {error}") from None

    def open(self, method, path, body=None, **headers):
        headers["authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["content-type"] = "application/json"
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        return web.OPENER.open(request, timeout=30)

    @staticmethod
    def problem(error):
        text = error.read().decode(errors="replace")
        try:
            problem = json.loads(text)
        except ValueError:
            return text.strip()
        fields = [f"{wrong['field']}: {wrong['detail']}" for wrong in problem.get("errors", ())]
        return "; ".join(filter(None, [problem.get("detail") or problem.get("title"), *fields]))

    def follow(self, verification, on_check):
        """Hands on each check as it is found, and returns the verification when it has finished."""
        seen = {}

        def tell(check, attempt):
            # Another attempt asks again; what it finds anew is shown again.
            if seen.get(check["name"]) != (attempt, check["status"]):
                seen[check["name"]] = (attempt, check["status"])
                on_check(check)

        attempt = 1
        try:
            for event, data in self.events(f"/v1/verifications/{verification}/events"):
                if event == "attempt":
                    attempt = data["attempt"]
                elif event == "check":
                    tell(data, attempt)
                elif event == "finished":
                    return data
        except OSError:
            # The stream is a comfort: what it would have told can be asked for.
            pass
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            present = self.get(f"/v1/verifications/{verification}")
            for check in present["checks"]:
                tell(check, present["attempt"])
            if present["state"] == "finished":
                return present
            time.sleep(0.2)
        raise Refused(f"the verification {verification} has not finished after {PATIENCE_SECONDS} s")

    def events(self, path):
        with self.open("GET", path, accept="text/event-stream") as stream:
            yield from server_sent_events(line.decode() for line in stream)


def server_sent_events(lines):
    """The events in the lines of a stream, each as its name and its data."""
    name, data = "message", []
    for line in lines:
        line = line.rstrip("\r\n")
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield name, json.loads("\n".join(data))
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
