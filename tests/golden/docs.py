#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/config against the settings table and against the binary.

usage: docs.py BINARY

Every setting has a heading ### `key` in docs/config, below which its default and both ends of
its range stand; every heading is a setting; every YAML block there passes `sallyport check`
(what a block leaves out is filled in). Settings of later versions must be named at least.
Prints TAP.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/config"
FILLED = (
    ("listen", "listen: http://127.0.0.1:8080"),
    ("site", "site: [{path: /filled/*, root: public}]"),
)


def settings(binary):
    """Rows of the table: path of the setting, type, default, range."""
    done = subprocess.run([binary, "list", "settings"], stdout=subprocess.PIPE, check=True, text=True)
    for line in done.stdout.splitlines():
        path, kind, default, values, _ = line.split("\t")
        yield path, kind, default, values


def documented():
    """key -> the texts below its headings."""
    found = {}
    for page in sorted(DOCS.glob("*.md")):
        for part in re.split(r"^#{2,3} ", page.read_text(), flags=re.M)[1:]:
            heading, _, text = part.partition("\n")
            key = re.match(r"`([a-z_]+)`(?: \(.*\))?$", heading)
            if key:
                found.setdefault(key.group(1), []).append(text)
    return found


def complaints_about(rows, found):
    everything = "".join(page.read_text() for page in DOCS.glob("*.md"))
    later = {path.rsplit(".", 1)[0] for path, _, _, _ in rows
             if re.search(r"\.mtls\.[a-z_]+$", path)}
    for path, kind, default, values in rows:
        key = path.rsplit(".", 1)[-1]
        if kind == "later" or path.rsplit(".", 1)[0] in later:
            if f"`{key}`" not in everything and path.rsplit(".", 1)[0] not in later:
                yield f"{path} is nowhere"
            continue
        texts = found.get(key, [])
        wanted = [f"`{default}`"] if default and default != "[]" or key == "subprotocols" else []
        if ".." in values:
            wanted += [f"`{end}`" for end in values.split("..")]
        elif "|" in values and kind == "word":
            wanted.append(f"`{values}`")
        if not any(all(word in text for word in wanted) for text in texts):
            yield f"{path}: no heading with {' '.join(wanted) or 'its name'}"
    for key in found:
        if not any(path.rsplit(".", 1)[-1] == key for path, _, _, _ in rows):
            yield f"{key} is documented and does not exist"


def blocks():
    for page in sorted(DOCS.glob("*.md")):
        for at in re.finditer(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M):
            line = page.read_text()[:at.start()].count("\n") + 1
            yield f"{page.name}:{line}", at.group(1)


def contract_name(text):
    """A block that begins with a comment is another file: `# chat.asyncapi.yaml`."""
    named = re.match(r"# (\S+)\n", text)
    return named and named.group(1)


def loads(binary, folder, text):
    for key, line in FILLED:
        if not re.search(rf"^{key}:", text, re.M):
            text += line + "\n"
    (folder / "sallyport.yaml").write_text(text)
    done = subprocess.run([binary, "check", "-q", "-c", "sallyport.yaml"], cwd=folder, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0 and not done.stdout, done.stdout


def prepare(folder):
    (folder / "public").mkdir()
    for name in ("chain.pem", "key.pem", "partners.pem", "token"):
        (folder / name).write_text("only looked at\n")
        os.chmod(folder / name, 0o600)
    for _, text in blocks():
        if contract_name(text):
            (folder / contract_name(text)).write_text(text)


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    results = []
    found = list(complaints_about(list(settings(binary)), documented()))
    results.append(("every setting is documented as it is", not found, "\n".join(found)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        prepare(folder)
        for where, text in blocks():
            if contract_name(text):
                continue
            good, said = loads(binary, folder, text)
            results.append((f"the example in {where} loads", good, said))
    print(f"1..{len(results)}")
    for number, (what, good, why) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
        for line in "" if good else why.splitlines():
            print("# " + line)
    return 0 if all(good for _, good, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
