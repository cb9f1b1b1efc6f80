"""A client of Latchkey's HTTP API."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

from stack import web

TIMEOUT_SECONDS = 120


class ApiError(Exception):
    """An unexpected response of the API."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class ApiClient:
    def __init__(self, url, token):
        self.url = url
        self.token = token

    def get(self, path, **query):
        return self.request("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""), 200)

    def post(self, path, body, status):
        return self.request("POST", path, status, json.dumps(body).encode())

    def wait_for(self, path):
        """Gets what another request has just made. Internal services read from a copy in memory, which follows the database."""
        until = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                return self.get(path)
            except ApiError as error:
                if error.status != 404 or time.monotonic() > until:
                    raise
            time.sleep(0.05)

    def request(self, method, path, status, body=None):
        try:
            with self.open(method, path, body) as response:
                if response.status == status:
                    return json.load(response)
                raise ApiError(f"{method} {path} returned {response.status} instead of {status}")
        except urllib.error.HTTPError as error:
            raise ApiError(f"{method} {path} returned {error.code}: {self.problem(error)}", error.code) from None
        except OSError as error:
            raise ApiError(f"{method} {path}: {error}") from None

    def open(self, method, path, body=None, **headers):
        headers["authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["content-type"] = "application/json"
        http_request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        return web.OPENER.open(http_request, timeout=30)

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
        """Passes on each check as its result arrives, and returns the verification when it has finished."""
        seen = {}

        def report(check, attempt):
            # Another attempt repeats the checks; pass on new results only.
            if seen.get(check["name"]) != (attempt, check["status"]):
                seen[check["name"]] = (attempt, check["status"])
                on_check(check)

        attempt = 1
        try:
            for event, data in self.events(f"/v1/verifications/{verification}/events"):
                if event == "attempt":
                    attempt = data["attempt"]
                elif event == "check":
                    report(data, attempt)
                elif event == "finished":
                    return data
        except OSError:
            # The stream is optional: poll for the same information.
            pass
        until = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < until:
            current = self.get(f"/v1/verifications/{verification}")
            for check in current["checks"]:
                report(check, current["attempt"])
            if current["state"] == "finished":
                return current
            time.sleep(0.2)
        raise ApiError(f"the verification {verification} did not finish within {TIMEOUT_SECONDS} s")

    def events(self, path):
        with self.open("GET", path, accept="text/event-stream") as stream:
            yield from server_sent_events(line.decode() for line in stream)


def server_sent_events(lines):
    """Parses a stream's lines into events: name and data."""
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
