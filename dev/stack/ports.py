"""Ports and addresses to listen on."""

import socket

from stack.errors import ToolError


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def is_free(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock:
        # As servers do: the port may have connections in TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True


def listen_address(given, name, preferred):
    """The address in the setting `name`, or the preferred port on loopback, or any free port."""
    wanted = given.get(name)
    if not wanted:
        port = preferred if preferred and is_free("127.0.0.1", preferred) else free_port()
        return f"127.0.0.1:{port}"
    host, _, port = wanted.rpartition(":")
    if port.isdigit() and not is_free(host.strip("[]"), int(port)):
        raise ToolError(f"{name}={wanted}: the port is in use; stop the process that listens there, or choose another port")
    return wanted


def url_of(address):
    """The URL of a server that listens on this address, from this machine."""
    host, _, port = address.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    return f"http://{host}:{port}"
