#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No state of a connection waits without an end, and docs/design/gateway.md says the same as the binary.

usage: states.py BINARY

Prints TAP.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    done = subprocess.run([sys.argv[1], "list", "states"], stdout=subprocess.PIPE, check=True, text=True)
    said = [line.split("\t") for line in done.stdout.splitlines()]
    endless = [row[0] for row in said if len(row) != 3 or not re.search(r"\d|_|lifetime", row[2])]
    page = (ROOT / "docs/design/gateway.md").read_text()
    written = [[cell.strip() for cell in line.strip("|").split("|")]
               for line in re.findall(r"^\| `\w+` \|.*\|$", page, re.M)]
    written = [[row[0].strip("`"), *row[1:]] for row in written]
    failures = 0
    for number, (says, problem) in enumerate((
            ("there are states", "" if len(said) > 8 else f"only {said}"),
            ("no state waits without an end", " ".join(endless)),
            ("the manual's table is the binary's", "" if written == said else
             "docs/design/gateway.md should have\n" + "\n".join(f"| `{a}` | {b} | {c} |" for a, b, c in said))), 1):
        failures += bool(problem)
        print(f"{'not ok' if problem else 'ok'} {number} - {says}")
        for line in problem.splitlines():
            print(f"# {line}")
    print("1..3")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
