"""./dev/screenshots"""

import argparse

from stack import browser, cargo, places, terminal, venv
from stack.trouble import Trouble

PICTURES = places.ROOT / "docs" / "screenshots"


def main(arguments):
    parser = argparse.ArgumentParser(prog="dev/screenshots", description="Takes the README's pictures of the form and of the dashboard anew.")
    parser.parse_args(arguments)
    venv.enter()
    if missing := browser.what_is_missing():
        raise Trouble(missing)
    binary = cargo.binary()
    with places.own_folder("screenshots") as folder:
        code = browser.run(folder, binary, [browser.TESTS / "screenshots.js"], PICTURES, on_line=lambda line: None)
    terminal.line(f"The pictures are in {PICTURES.relative_to(places.ROOT)}")
    return code
