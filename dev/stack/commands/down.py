"""./dev/down"""

import argparse
import shutil

from stack import caller, places, record


def main(arguments):
    parser = argparse.ArgumentParser(prog="dev/down", description="Stops what ./dev/up started. Its data is kept for the next ./dev/up.")
    parser.add_argument("--wipe", action="store_true", help="remove the data too")
    options = parser.parse_args(arguments)
    with places.locked("up", busy="another dev/up or dev/down is at work"):
        stopped = record.stop_all()
        caller.FILE.unlink(missing_ok=True)
        if options.wipe:
            shutil.rmtree(places.RUN / "up", ignore_errors=True)
    print(f"Stopped {stopped} servers." if stopped else "Nothing was running.", "The data is gone." if options.wipe else "")
