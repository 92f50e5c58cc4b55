#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `sallyport check` says about each tests/golden/check/*.yaml, compared with the .out beside it.

usage: check.py BINARY [--update]

The folder is copied first, so that permissions are what the test says they are and not what
the checkout made of them. --update writes the .out files instead: read the difference before
you commit it. Prints TAP.
"""
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent / "check"
MODES = {"files/key.pem": 0o600, "files/token": 0o600, "files/secret": 0o600, "files/open.pem": 0o644, "files/chain.pem": 0o644}


def prepare(folder):
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    for name, mode in MODES.items():
        os.chmod(folder / name, mode)
    os.chmod(folder, 0o755)
    keys = folder / "files/open-keys"
    keys.mkdir()
    (keys / "1.key").write_text("not a key\n")
    os.chmod(keys / "1.key", 0o644)
    os.chmod(keys, 0o700)


def run(binary, folder, name):
    done = subprocess.run([binary, "check", "-c", name], cwd=folder, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = done.stderr + done.stdout + b"exit %d\n" % done.returncode
    # Of the client library, which changes with it: tests/golden/client.py holds them against what is served.
    text = re.sub(rb'client\.js\?v=[\w-]{12}" integrity="sha384-[\w+/]{64}"', b'client.js?v=TAG" integrity="sha384-HASH"', text)
    return text.decode("utf-8", "backslashreplace")


# How the command is used: arguments, exit status, what it says.
USES = (
    (["--help"], 0, "usage: sallyport check"),
    (["--nonsense"], 2, "usage: sallyport check"),
    (["-x"], 2, "usage: sallyport check"),
    (["-c"], 2, "usage: sallyport check"),
    (["ok_smallest.yaml"], 2, "The file is given with -c"),
    (["-c", "ok_smallest.yaml", "more"], 2, "what is 'more'?"),
    (["--config", "ok_smallest.yaml"], 0, "Opens WebSockets on"),
    (["--config=ok_smallest.yaml", "--quiet"], 0, None),
    (["-q", "-c", "warn_nothing.yaml"], 0, "2 warnings"),
    (["-q", "-c", "unsafe_key.yaml"], 1, "3 unsafe settings"),
    ([], 1, "sallyport.yaml: error: cannot be read: No such file"),
    (["-c", "files"], 1, "cannot be read: Is a directory"),
    (["-c", "/dev/null"], 1, "here is nothing"),
    (["-c", "/dev/zero"], 1, "larger than 1 MiB"),
)


def used_well(binary, folder, arguments, status, words):
    done = subprocess.run([binary, "check", *arguments], cwd=folder, timeout=30, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = words in done.stdout if words else done.stdout == ""
    return done.returncode == status and said, f"exit {done.returncode}\n{done.stdout}"


def wanted_exit(name):
    return 0 if name.startswith(("ok_", "warn_")) else 1


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    update = sys.argv[2:] == ["--update"]
    names = sorted(p.name for p in HERE.glob("*.yaml"))
    failed = 0
    print(f"1..{len(names) + len(USES)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        prepare(folder)
        for number, name in enumerate(names, 1):
            said = run(binary, folder, name)
            golden = HERE / (name.removesuffix(".yaml") + ".out")
            if update:
                golden.write_text(said)
            wanted = golden.read_text() if golden.exists() else ""
            good = said == wanted and said.endswith(f"exit {wanted_exit(name)}\n")
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {name}")
            if not good:
                for line in difflib.unified_diff(wanted.splitlines(), said.splitlines(),
                                                 "wanted", "said", lineterm=""):
                    print("# " + line)
        for number, use in enumerate(USES, len(names) + 1):
            good, said = used_well(binary, folder, *use)
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - check {' '.join(use[0])}")
            for line in "" if good else said.splitlines():
                print("# " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
