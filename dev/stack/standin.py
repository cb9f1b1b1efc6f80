"""The AWS stand-in, dev/standin, as a process."""

import os
import subprocess
import sys

from stack import ports, processes, web
from stack.errors import ToolError
from stack.paths import DEV


def start(folder, *, name="standin", lasting=False, persistent=False, certificate=None):
    """Starts it, and returns its process and its URL. A persistent one keeps its state in `folder`. With a certificate it speaks TLS."""
    port = ports.free_port()
    url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    command = [sys.executable, "-m", "standin", "--port", str(port)]
    if certificate:
        command += ["--certificate", str(certificate), "--private-key", str(certificate.with_suffix(".key"))]
    env = environment(folder / name, persistent)
    process = processes.start("the AWS stand-in", command, log=folder / f"{name}.log", env=env, lasting=lasting)
    try:
        process.wait_until(lambda: web.answers(f"{url}/_ministack/health", certificate))
    except BaseException:
        process.stop()
        raise
    return process, url


def create_certificate(folder):
    """A certificate for loopback that signs itself, next to its private key."""
    certificate = folder / "standin.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=stand-in"]
    for extension in ("subjectAltName=IP:127.0.0.1,DNS:localhost", "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"):
        command += ["-addext", extension]
    command += ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        raise ToolError("openssl is needed (on Debian: apt-get install openssl)") from None
    return certificate


def environment(folder, persistent):
    for name in ("tmp", "state", "objects"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    persist = "1" if persistent else "0"
    own = {
        "PYTHONPATH": str(DEV),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder / "tmp"),
        "PERSIST_STATE": persist,
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": persist,
        "S3_DATA_DIR": str(folder / "objects"),
    }
    # The user's AWS settings are for clients, not for this server.
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | own
