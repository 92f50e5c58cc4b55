# SPDX-License-Identifier: Apache-2.0
"""
Chromium, driven through its DevTools protocol with the tests' own WebSocket codec: no driver to install.

    with Browser() as browser:
        alice = browser.person()                  # a profile of her own: cookies and all
        page = alice.page("https://localhost:8443/")
        page.wait("document.title === 'Chat'")
        page.run("1 + 1")
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from wst import Failed, codec, wire  # noqa: E402
from wst.peer import Peer  # noqa: E402
from wst.play import World  # noqa: E402

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--remote-debugging-port=0", "--ignore-certificate-errors", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-proxy-server")


def find():
    """The browser's path, or None."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name) if name else None
        if path:
            return path
    return None


class Browser:
    def __init__(self, patience=20.0):
        self.patience = patience
        self.folder = tempfile.mkdtemp(prefix="chromium-")
        self.process = subprocess.Popen([find(), *FLAGS, f"--user-data-dir={self.folder}", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        port, path = self.address()
        world = World(patience)
        world.hosts["devtools"] = f"127.0.0.1:{port}"
        self.peer = Peer(wire.dial("127.0.0.1", port), "devtools", world, client=True)
        self.peer.say_http(f"GET {path}")
        self.peer.expect("101", False)
        self.last = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.wire.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self):
        until = time.monotonic() + self.patience
        path = os.path.join(self.folder, "DevToolsActivePort")
        while time.monotonic() < until:
            if os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    lines = f.read().split("\n")
                if len(lines) >= 2:
                    return int(lines[0]), lines[1]
            if self.process.poll() is not None:
                raise Failed(f"chromium ended with {self.process.returncode}")
            time.sleep(0.05)
        raise Failed("chromium did not start")

    def call(self, method, session=None, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.peer.send_frame(codec.OPCODES["text"], json.dumps(message).encode())
        while True:
            answer = json.loads(self.peer.read_message(method, 1).payload)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error'].get('message')}")
                return answer["result"]

    def person(self):
        return Person(self, self.call("Target.createBrowserContext")["browserContextId"])


class Person:
    """A browser profile."""

    def __init__(self, browser, context):
        self.browser = browser
        self.context = context

    def page(self, url):
        target = self.browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)
        session = self.browser.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self.browser, session["sessionId"])
        page.go(url)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session

    def go(self, url):
        answer = self.browser.call("Page.navigate", self.session, url=url)
        if answer.get("errorText"):
            raise Failed(f"{url}: {answer['errorText']}")
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script):
        """The value of an expression in the page; promises are waited for."""
        answer = self.browser.call("Runtime.evaluate", self.session, expression=script, awaitPromise=True,
                                   returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failed(f"{script[:80]}: {details.get('exception', {}).get('description') or details.get('text')}")
        return answer["result"].get("value")

    def wait(self, script):
        """Until the expression is true; what fails in a page that is just being loaded is not true yet."""
        until = time.monotonic() + self.browser.patience
        why = ""
        while time.monotonic() < until:
            try:
                if self.run(script):
                    return
                why = ""
            except Failed as f:
                why = str(f)
            time.sleep(0.05)
        raise Failed(f"never came true: {script} {why}; the page says {self.run('document.body.innerText')[:300]!r}")
