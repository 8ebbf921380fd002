"""Build one dataset by every engine and through every interruption, and print the digests.

    python tests/degrade/digest_table.py [--format webdataset]

Prints the Markdown table of the README. Every row is really built, most by the command itself;
"same" means that the digest and all stored files are equal. Exit code 1 when a row is not.
"""

import argparse
import os
import sys
import time

from build_routes import ROUTES, NotHere, Scene, inline
from interruptions import make_photos, scratch


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--format", choices=["files", "webdataset"], default="files")
    layout = parser.parse_args().format
    os.environ["RELUME_COLD"] = "1"  # the command as a person starts it
    different = False
    with scratch() as top:
        photos = make_photos(top / "photos")
        expected = set(inline(Scene(photos, top / "expected", layout)))
        say("| engine or interruption | builds | digest | same |\n|---|---|---|---|")
        for number, (title, route) in enumerate(ROUTES.items()):
            begin = time.monotonic()
            try:
                (top / str(number)).mkdir()
                built = route.take(Scene(photos, top / str(number), layout))
            except NotHere as reason:
                say(f"| {title} | 0 | not run: {reason} | |")
                continue
            digests = ", ".join(sorted({f"`{one.digest[:12]}`" for one in built}))
            same = set(built) == expected
            say(f"| {title} | {len(built)} | {digests} | {'yes' if same else '**NO**'} |")
            print(f"{title}: {time.monotonic() - begin:.1f} s", file=sys.stderr)  # noqa: T201
            different |= not same
    return 1 if different else 0


def say(line):
    """Print a line of the table at once."""
    print(line, flush=True)  # noqa: T201  # a script's output


if __name__ == "__main__":
    raise SystemExit(main())
