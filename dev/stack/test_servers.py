"""The servers of the Rust tests, and the file from which the tests learn where they are.

./dev/test passes the same variables through the environment, which takes precedence over the file."""

import shutil

from stack import background, paths, postgres, standin, venv

FILE = paths.RUN / "services.env"
DATABASE = "LATCHKEY_TEST_DATABASE_URL"
AWS = "LATCHKEY_TEST_AWS_ENDPOINTS"
TOOLS = "LATCHKEY_TEST_TOOLS"
# Two, because one Python process would keep tests on two cores waiting.
STANDINS = 2


def start(folder, *, aws=True, lasting=False):
    """The processes, and the tests' environment."""
    processes = []
    try:
        database = postgres.start(folder, fast=True, lasting=lasting)
        processes.append(database.process)
        env = {DATABASE: database.url("postgres"), TOOLS: str(venv.VENV / "bin")}
        if aws:
            urls = []
            for number in range(STANDINS):
                process, url = standin.start(folder, name=f"standin-{number}", lasting=lasting)
                processes.append(process)
                urls.append(url)
            env[AWS] = ",".join(urls)
        return processes, database, env
    except BaseException:
        for process in reversed(processes):
            process.stop()
        raise


def start_in_background(*, aws):
    running = background.SERVICES.read()
    if running and all(process.alive() for process in running) and (AWS in read() or not aws):
        return
    stop()
    processes, _, env = start(paths.folder(background.SERVICES.folder.name), aws=aws, lasting=True)
    background.SERVICES.write(processes)
    paths.write_private(FILE, "".join(f"{name}={value}\n" for name, value in env.items()))


def stop():
    """Also deletes their data, and returns how many were running."""
    FILE.unlink(missing_ok=True)
    stopped = background.SERVICES.stop()
    shutil.rmtree(background.SERVICES.folder, ignore_errors=True)
    return stopped


def read():
    """The file's variables: NAME=value, one a line, without quotes."""
    return dict(line.split("=", 1) for line in FILE.read_text().splitlines()) if FILE.exists() else {}
