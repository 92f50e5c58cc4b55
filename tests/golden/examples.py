#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The policies of examples/ against their own cases.

usage: examples.py BINARY

Each passes `sallyport check` (that its cases hold is shown by test.py); and each line of a policy that matters is
weakened once, whereupon a case must fail: cases that cannot fail would say nothing. Prints TAP.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples"
NAMES = ("chat", "game", "document")

# (example, what stands there, what stands there instead): each must be noticed
WEAKENED = (
    ("chat", "allow: params.room in identity.claims.rooms\n", "allow: true\n"),
    ("chat", "undeclared: strip", "undeclared: allow"),
    ("chat", "message.user == identity.sub && ", ""),
    ("chat", "size(message.text) <= 280", "true"),
    ("chat", "text: {user: escape, text: escape}", "text: {user: escape}"),
    ("chat", "text: {user: escape, text: escape}", "text: {text: escape}"),
    ("chat", "unique: {by: id, within: 5m}", ""),
    ("chat", ", rate: 1/s burst 5", ""),
    ("chat", "allow: \"'admin' in identity.claims.roles\"", "allow: true"),
    ("chat", "text: {user: escape}    # as", "# as"),
    ("chat", "origins: same ", "origins: [\"https://evil.example\"] "),
    ("game", "join: {allow: message.player == identity.claims.player}", "join: {allow: true}"),
    ("game", "message.player == identity.claims.player\n            && math.abs", "math.abs"),
    ("game", "message.player == identity.claims.player\n            && message.newposition_x", "message.newposition_x"),
    ("game", "&& math.abs(message.newposition_x - last.position.newposition_x) <= 5", ""),
    ("game", "&& math.abs(message.newposition_y - last.position.newposition_y) <= 5", ""),
    ("game", "&& message.newposition_x == last.position.newposition_x", ""),
    ("game", "&& message.newposition_y == last.position.newposition_y", ""),
    ("game", "newposition_x) <= 5", "newposition_x) <= 6"),
    ("game", "newposition_x) <= 5", "newposition_x) < 5"),
    ("game", "after: {position: 10s}", ""),
    ("game", "position: {allow: message.player == identity.claims.player,", "position: {allow: true,"),
    ("document", "open: {allow: message.document in identity.claims.documents}", "open: {allow: true}"),
    ("document", "edit:\n          allow: message.document in identity.claims.documents", "edit:\n          allow: true"),
    ("document", "export:\n          allow: message.document in identity.claims.documents", "export:\n          allow: true"),
    ("document", "content: {allow: message.document in identity.claims.documents}", "content: {allow: true}"),
    ("document", "exported:\n          allow: message.document in identity.claims.documents", "exported:\n          allow: true"),
    ("document", "set: {author: identity.sub}", ""),
    ("document", "detect: {sqli: [words]}", ""),
    ("document", "running: {at_most: 1,", "running: {at_most: 2,"),
    ("document", "queue: 2,", "queue: 3,"),
    ("document", "cost: 10 ", "cost: 1 "),
    ("document", "stack_trace: [error], ", ""),
    ("document", "secret: [error], ", ""),
    ("document", ", private_ip: [error]", ""),
)


def run(binary, folder, *arguments):
    return subprocess.run([binary, *arguments], cwd=folder, timeout=60, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def is_good(binary, folder):
    done = run(binary, folder, "check", "-q", "-c", "sallyport.yaml")
    return done.returncode == 0, done.stdout


def notices(binary, folder, was, now):
    """A case fails, and not because the policy could not be read."""
    path = folder / "sallyport.yaml"
    whole = path.read_text()
    if whole.count(was) < 1:
        return False, f"the policy does not say: {was}"
    path.write_text(whole.replace(was, now))
    try:
        checked = run(binary, folder, "check", "-q", "-c", "sallyport.yaml")
        tested = run(binary, folder, "test", "-c", "sallyport.yaml", "cases.yaml")
    finally:
        path.write_text(whole)
    return checked.returncode == 0 and tested.returncode == 1, checked.stdout + tested.stdout


def checks(binary, folders):
    for name, folder in folders.items():
        yield f"{name}: the policy is good", is_good(binary, folder)
    for name, was, now in WEAKENED:
        said = " ".join(was.split())
        yield f"{name}: it is noticed if `{said}` becomes `{now.strip()}`", notices(binary, folders[name], was, now)


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folders = {name: pathlib.Path(temporary) / name for name in NAMES}
        for name, folder in folders.items():
            shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("keys", "__pycache__"))
        results = list(checks(binary, folders))
    print(f"1..{len(results)}")
    for number, (what, (good, said)) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
        for line in "" if good else said.splitlines():
            print(f"# {line}")
    return 0 if all(good for _, (good, _) in results) else 1


if __name__ == "__main__":
    sys.exit(main())
