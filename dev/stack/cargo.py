"""Building with Cargo."""

import functools
import json
import os
import shutil
import subprocess
from pathlib import Path

from stack import processes, terminal
from stack.errors import ToolError
from stack.paths import ROOT, TOOLS


def environment(**more):
    """Checks queries against the committed data, even if the user has a DATABASE_URL."""
    if not shutil.which("cargo"):
        raise ToolError("Rust is needed: https://rustup.rs")
    if not shutil.which("cc"):
        raise ToolError("a C compiler is needed (on Debian: apt-get install build-essential)")
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "PYTHONPATH")}
    return env | {"SQLX_OFFLINE": "true"} | more


def with_lints():
    """The environment in which builds are by Clippy, which compiles what rustc does: one build serves the lints and the tests."""
    return {"RUSTC_WORKSPACE_WRAPPER": "clippy-driver", "CLIPPY_ARGS": "__CLIPPY_HACKERY__".join(["--deny", "warnings", ""])}


def binary():
    """The path of `latchkey`: LATCHKEY_BIN if that is set, and otherwise a fresh build."""
    if chosen := os.environ.get("LATCHKEY_BIN"):
        if not os.access(chosen, os.X_OK):
            raise ToolError(f"LATCHKEY_BIN={chosen} is not an executable file")
        return chosen
    if processes.run(["cargo", "build", "--bin", "latchkey", *manifest()], env=environment()) != 0:
        raise ToolError("the build failed; see the compiler's messages above")
    return built()


def built():
    """The path of the last build, which is that of the tests in ./dev/test: another would compile all dependencies again, without
    the features that only tests need."""
    path = target_folder() / "debug" / "latchkey"
    if not path.exists():
        raise ToolError(f"{path} is missing: build it with `cargo build`, or run ./dev/test tests")
    return str(path)


def manifest():
    return ["--manifest-path", str(ROOT / "Cargo.toml")]


@functools.cache
def target_folder():
    argv = ["cargo", "metadata", "--no-deps", "--format-version=1", "--offline", *manifest()]
    metadata = subprocess.run(argv, capture_output=True, text=True, env=environment())
    if metadata.returncode != 0:
        raise ToolError(f"cargo metadata: {metadata.stderr.strip()}")
    return Path(json.loads(metadata.stdout)["target_directory"])


def tool(name, version, *arguments):
    """The path of a program from crates.io: the installed one, or one built into dev/.tools."""
    if installed := shutil.which(name):
        return installed
    built_here = TOOLS / "bin" / name
    if not built_here.exists():
        terminal.line(f"Building {name} {version} into dev/.tools")
        # Lower priority than everything else.
        command = ["nice", "cargo", "install", "--locked", f"{name}@{version}", "--root", str(TOOLS), *arguments]
        # It runs for seconds: compile fast instead of making it fast.
        fast = {"OPT_LEVEL": "0", "CODEGEN_UNITS": "16", "LTO": "off", "DEBUG": "false"}
        env = environment(**{f"CARGO_PROFILE_RELEASE_{key}": value for key, value in fast.items()})
        for lint in with_lints():
            env.pop(lint, None)
        target = TOOLS / "target"
        if processes.run([*command, "--target-dir", str(target), "--quiet"], env=env) != 0:
            raise ToolError(f"cannot build {name}; see the messages above")
        shutil.rmtree(target, ignore_errors=True)
    return str(built_here)
