#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `sallyport test` says: about tests/golden/test, about docs/testing.md, and about the examples.

usage: test.py BINARY [--update]

Each tests/golden/test/*.yaml that is a list of cases is run against the configuration beside it and
compared with its .out; --update writes those anew. The walk-through in docs/testing.md must
come out as it says there. Every examples/*/cases*.yaml must pass with --strict. Prints TAP.
"""
import difflib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests/golden/test"
GOLDEN = (
    ("pass.out", ["--strict", "pass.yaml"]),
    ("verbose.out", ["-v", "one.yaml"]),
    ("fail.out", ["fail.yaml"]),
    ("json.out", ["--json", "fail.yaml"]),
    ("wrong.out", ["wrong.yaml", "pass.yaml"]),
)

# How the command is used: arguments, exit status, what it says.
USES = (
    (["--help"], 0, "usage: sallyport test"),
    ([], 2, "which cases?"),
    (["--nonsense", "one.yaml"], 2, "usage: sallyport test"),
    (["-c"], 2, "usage: sallyport test"),
    (["one.yaml"], 0, "1 passed, 0 failed"),
    (["one.yaml", "one.yaml"], 0, "2 passed, 0 failed"),
    (["--config", "sallyport.yaml", "one.yaml"], 0, "1 passed, 0 failed"),
    (["-c", "../%s/sallyport.yaml", "one.yaml"], 0, "1 passed, 0 failed"),
    (["--strict", "one.yaml"], 1, "1 passed, 0 failed"),
    (["one.yaml", "fail.yaml"], 1, "1 passed, 15 failed"),
    (["nothing.yaml"], 1, "nothing.yaml: error: cannot be read: No such file"),
    (["one.yaml", "nothing.yaml"], 1, "nothing.yaml: error: cannot be read"),
    (["."], 1, "cannot be read: Is a directory"),
    (["/dev/null"], 1, "a list of cases, and here is nothing"),
    (["/dev/zero"], 1, "larger than 1 MiB"),
    (["-c", "nothing.yaml", "one.yaml"], 1, "nothing.yaml: error: cannot be read"),
    (["-c", "one.yaml", "one.yaml"], 1, "one.yaml:1:1: error: the file is a map of settings"),
    (["sallyport.yaml"], 1, "a list of cases, and here is a map"),
)


def prepare(folder):
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    folder.chmod(0o755)


def run(binary, folder, arguments):
    done = subprocess.run([binary, "test", *arguments], cwd=folder, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    return done.returncode, (done.stderr + done.stdout).decode("utf-8", "backslashreplace")


def compare(wanted, said):
    return "\n".join(difflib.unified_diff(wanted.splitlines(), said.splitlines(), "wanted", "said", lineterm=""))


def golden(binary, folder, update):
    for name, arguments in GOLDEN:
        status, said = run(binary, folder, arguments)
        said += f"exit {status}\n"
        if update:
            (HERE / name).write_text(said)
        wanted = (HERE / name).read_text() if (HERE / name).exists() else ""
        yield f"test {' '.join(arguments)}", said == wanted, compare(wanted, said)
    status, said = run(binary, folder, ["--json", "fail.yaml"])
    lines = [json.loads(line) for line in said.splitlines()]
    good = [line["case"] for line in lines if line.get("ok")]
    yield ("each line of --json is an object, and none of them passed",
           lines[-1] == {"passed": 0, "failed": 15} and not good, said)


def used_well(binary, folder):
    for arguments, wanted, words in USES:
        arguments = [word.replace("%s", folder.name) for word in arguments]
        status, said = run(binary, folder, arguments)
        yield f"test {' '.join(arguments)}", status == wanted and words in said, f"exit {status}\n{said}"


def documented(binary, folder):
    """docs/testing.md: files named before their blocks, then what the command says."""
    text = (ROOT / "docs/testing.md").read_text()
    files = re.findall(r"`([a-z.]+\.yaml)`:\n\n```yaml\n(.*?)^```", text, re.S | re.M)
    runs = re.findall(r"^\$ sallyport test (.*?)\n(.*?)^```", text, re.S | re.M)
    for name, content in files:
        (folder / name).write_text(content)
    yield "docs/testing.md has files and a run", len(files) == 4 and len(runs) == 2, str(files)
    for arguments, wanted in runs:
        _, said = run(binary, folder, arguments.split())
        yield f"docs/testing.md: test {arguments}", said == wanted, compare(wanted, said)


def examples(binary):
    folders = sorted({cases.parent for cases in ROOT.glob("examples/*/cases*.yaml")})
    for folder in folders:
        cases = sorted(path.name for path in folder.glob("cases*.yaml"))
        with tempfile.TemporaryDirectory() as temporary:
            there = pathlib.Path(temporary) / folder.name
            shutil.copytree(folder, there, ignore=shutil.ignore_patterns("keys", "node_modules"))
            status, said = run(binary, there, ["--strict", *cases])
        tally = re.search(r"^(\d+) passed, 0 failed$", said, re.M)
        yield (f"examples/{folder.name}: {' '.join(cases)}", status == 0 and tally and int(tally.group(1)) > 0,
               f"exit {status}\n{said}")


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        prepare(pathlib.Path(one))
        results = [*golden(binary, pathlib.Path(one), sys.argv[2:] == ["--update"]),
                   *used_well(binary, pathlib.Path(one)), *documented(binary, pathlib.Path(other)),
                   *examples(binary)]
    print(f"1..{len(results)}")
    for number, (what, good, why) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
        for line in "" if good else why.splitlines():
            print("# " + line)
    return 0 if all(good for _, good, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
