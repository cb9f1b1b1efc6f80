"""Addresses to listen on."""

import socket

from stack.trouble import Trouble


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def is_free(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        # As servers do it: a port whose last connections are still ending can be listened on.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True


def listen_address(given, name, preferred):
    """The address in the setting `name`, or else the preferred port on loopback, or else any free one."""
    wanted = given.get(name)
    if not wanted:
        port = preferred if preferred and is_free("127.0.0.1", preferred) else free_port()
        return f"127.0.0.1:{port}"
    host, _, port = wanted.rpartition(":")
    if port.isdigit() and not is_free(host.strip("[]"), int(port)):
        raise Trouble(f"{name}={wanted}: this port is taken; stop what listens there, or choose another one")
    return wanted


def url_of(address):
    """Where a server that listens on this address is reached from here."""
    host, _, port = address.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    return f"http://{host}:{port}"
