"""`python -m standin --port N`: the stand-in in the foreground."""

import argparse
import importlib.metadata
import os
import socket
import sys

from . import MINISTACK, install


def main() -> None:
    parser = argparse.ArgumentParser(prog="standin", description="An AWS stand-in to try Latchkey and to test it.")
    parser.add_argument("--port", type=int, required=True, help="the port to listen on")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--certificate", help="a certificate to speak TLS with, in PEM")
    parser.add_argument("--private-key", help="the certificate's private key, in PEM")
    arguments = parser.parse_args()

    try:
        version = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        sys.exit(fail("ministack is not installed; install dev/requirements.lock"))
    if version != MINISTACK:
        sys.exit(fail(f"ministack {version} is installed instead of {MINISTACK}; install dev/requirements.lock"))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((arguments.host, arguments.port))
        except OSError as error:
            sys.exit(fail(f"cannot listen on {arguments.host}:{arguments.port} ({error.strerror}); choose another --port"))

    os.environ.update(AUTH="true", BIND_HOST=arguments.host, GATEWAY_PORT=str(arguments.port))
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    if arguments.certificate:
        os.environ.update(USE_SSL="1", MINISTACK_SSL_CERT=arguments.certificate, MINISTACK_SSL_KEY=arguments.private_key or "")
    sys.argv = ["ministack"]
    from ministack import app

    install()
    # With TLS, MiniStack would listen on port 443 too.
    app._port_is_bindable = lambda *_: False
    app.main()


def fail(reason: str) -> int:
    print(f"standin: {reason}", file=sys.stderr)
    return 2


main()
