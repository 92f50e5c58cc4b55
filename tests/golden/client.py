#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client library: the tag that `sallyport check` prints, against the bytes that the gateway serves.

usage: client.py BINARY

Prints TAP.
"""
import base64
import gzip
import hashlib
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/lib"))

from wst.gateway import Gateway, configuration  # noqa: E402

TEXT = """
identity:
  guest: {anyone: true}
  ticket: {ticket: {from: [guest]}}
routes:
  - {path: /chat, origins: {allow: ["https://a.example"]}, identify: [ticket], upstream: "ws://127.0.0.1:9", contract: none}
"""


def get(port, path, **headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    c.request("GET", path, headers=headers)
    answer = c.getresponse()
    body = answer.read()
    c.close()
    return answer, body


def looked_at(binary, folder):
    """(what, good, why) of each look"""
    gateway = Gateway([binary], folder, configuration(TEXT, ""), 10.0)
    gateway.wait_ready()
    try:
        port = gateway.url().port
        said = subprocess.run([binary, "check"], cwd=folder, capture_output=True, text=True).stdout
        tag = re.search(r'<script src="(/\.sallyport/client\.js\?v=\S+)" integrity="(sha384-\S+)" crossorigin="anonymous"></script>', said)
        yield "check prints a tag", tag is not None, said
        answer, body = get(port, tag[1])
        hashed = "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()
        yield "its integrity is that of what is served", hashed == tag[2], f"{hashed} {tag[2]}"
        yield "and that address is kept for good", "immutable" in answer.headers["Cache-Control"], str(answer.headers)
        packed, small = get(port, tag[1], **{"Accept-Encoding": "gzip, deflate, br"})
        yield "packed it is the same", packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(small) == body, str(packed.headers)
        version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text())[1]
        made = subprocess.run([str(ROOT / "client/embed.py"), str(ROOT / "client/sallyport.js"), version], capture_output=True).stdout
        yield "it is the source without its comments", made == body, f"{len(made)} {len(body)} bytes"
        source = (ROOT / "client/sallyport.js").read_text()
        yield "small enough", len(small) < 10000 and len(body) < len(source), f"{len(small)} packed, {len(body)} of {len(source)}"
    finally:
        problem = gateway.stop()
    yield "the gateway ends cleanly", not problem, str(problem)


def main():
    binary = os.path.abspath(sys.argv[1])
    failed = number = 0
    with tempfile.TemporaryDirectory(prefix="client-") as folder:
        for what, good, why in looked_at(binary, folder):
            number += 1
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {what}")
            for line in "" if good else why.splitlines():
                print("# " + line)
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
