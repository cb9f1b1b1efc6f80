"""./dev/soak connections: slow clients on the public listener, while services read configs from the private one."""

import contextlib
import http.client
import itertools
import multiprocessing
import selectors
import socket
import statistics
import time
from urllib.parse import urlsplit

from stack import ports, terminal
from stack.bench import tenants
from stack.bench.report import Figure

CONNECTIONS = 2_000
PER_ADDRESS = 50
TENANTS = 1_000
# Quiet and flooded rounds alternate, so that both see the same machine.
ROUND_SECONDS = 15
HALF_A_HEADER = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"
# The next byte of each connection, which never ends its header.
PAUSE_SECONDS = 2


def measure(bed, seconds):
    database = bed.database("soak")
    tenants.fill(bed.server, "soak", 1, TENANTS)
    token = bed.token(database)
    public = f"127.0.0.1:{ports.free_port()}"
    _, url, _ = bed.serve("soak", database, LATCHKEY_PUBLIC_LISTEN=public)
    path = f"/internal/v1/tenants/{tenants.slug(1)}/storage-config"
    reads = {False: [], True: []}
    most = 0
    for number in range(max(2, round(seconds / ROUND_SECONDS))):
        is_flooded = number % 2 == 1
        with flood(public) if is_flooded else contextlib.nullcontext():
            reads[is_flooded] += read_for(url, path, token, ROUND_SECONDS)
            most = max(most, open_connections(url))
        terminal.line(f"{'flooded' if is_flooded else 'quiet':8} median {statistics.median(reads[is_flooded]) * 1000:.3f} ms")
    quiet, flooded = (statistics.median(reads[is_flooded]) for is_flooded in (False, True))
    slowest = max(reads[True])
    return [
        Figure("connections on the public listener", most, at_least=CONNECTIONS * 0.9),
        Figure("median of config reads, quiet", quiet * 1000, "ms"),
        Figure("median of config reads, flooded", flooded * 1000, "ms"),
        Figure("median of config reads: flooded / quiet", flooded / quiet, at_most=1.1),
        Figure("slowest config read, flooded", slowest * 1000, "ms", at_most=1000),
    ]


def read_for(url, path, token, seconds):
    """The seconds that each of many reads took, one after the other, some over connections of their own."""
    headers = {"authorization": f"Bearer {token}"}
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        for _ in range(100):
            begin = time.monotonic()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            times.append(time.monotonic() - begin)
            assert answer.status == 200, answer.status
            time.sleep(0.002)
        connection.close()
    return times


def open_connections(url):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", "/metrics")
    name = 'latchkey_http_connections{listener="public"} '
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return float(next(line for line in lines if line.startswith(name)).removeprefix(name))


@contextlib.contextmanager
def flood(address):
    """Slow connections in a process of their own, until the end of the block."""
    process = multiprocessing.get_context("fork").Process(target=keep_open, args=(address,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def keep_open(address):
    """Keeps the connections open, replaces those that the server closes, and sends each a byte now and then."""
    host, port = address.rsplit(":", 1)
    places = itertools.cycle(range(CONNECTIONS))
    selector = selectors.DefaultSelector()
    while True:
        begin = time.monotonic()
        while len(selector.get_map()) < CONNECTIONS:
            place = next(places) // PER_ADDRESS
            connection = socket.socket()
            connection.bind((f"127.2.{place // 250}.{place % 250 + 1}", 0))
            connection.connect((host, int(port)))
            connection.send(HALF_A_HEADER + b"x-slow: ")
            selector.register(connection, selectors.EVENT_READ)
        while (left := begin + PAUSE_SECONDS - time.monotonic()) > 0:
            # Only the end of a connection can be read.
            for key, _ in selector.select(left):
                selector.unregister(key.fileobj)
                key.fileobj.close()
        for key in list(selector.get_map().values()):
            with contextlib.suppress(OSError):
                key.fileobj.send(b"x")
