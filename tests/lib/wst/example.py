# SPDX-License-Identifier: Apache-2.0
"""
The applications of examples/: started on free ports, and their own configuration with these ports in it.
"""
import json
import os
import re
import shutil
import subprocess
import urllib.parse

from . import Failed

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "examples")


def start(name, *arguments):
    """(process, {"http": port, "ws": port}); it ends with whoever started it, however that ends."""
    app = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "/usr/bin/python3", os.path.join(EXAMPLES, name, "app.py"),
                            "--http", "127.0.0.1:0", "--ws", "127.0.0.1:0", *arguments],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    line = app.stdout.readline()
    if not line:
        app.stdout.close()
        app.wait()
        raise Failed(f"the application {name} did not start: it needs python3-websockets")
    said = json.loads(line)
    return app, {kind: urllib.parse.urlsplit(said[kind]).port for kind in ("http", "ws")}


def configuration(name, folder, ports, listen):
    """Copies what the example's sallyport.yaml names into the folder; the text of it with these addresses."""
    source = os.path.join(EXAMPLES, name)
    for file in os.listdir(source):
        if file.endswith(".asyncapi.yaml"):
            shutil.copy(os.path.join(source, file), folder)
    shutil.copytree(os.path.join(source, "public"), os.path.join(folder, "public"))
    with open(os.path.join(folder, "public", "where.json"), "w", encoding="utf-8") as f:
        json.dump({"login": f"http://localhost:{ports['http']}/login", "socket": ""}, f)
    with open(os.path.join(source, "sallyport.yaml"), encoding="utf-8") as f:
        text = f.read()
    if listen.startswith("http:"):
        text = re.sub(r"^tls:\n(?:[ #].*\n)*", "", text, flags=re.M)
    for usual, now in ((r"https://127\.0\.0\.1:84\d\d", listen), (r"127\.0\.0\.1:909\d", "127.0.0.1:0"),
                       (r"ws://127\.0\.0\.1:90\d1", f"ws://127.0.0.1:{ports['ws']}"),
                       (r"http://127\.0\.0\.1:90\d0", f"http://127.0.0.1:{ports['http']}")):
        text = re.sub(usual, now, text)
    return text
