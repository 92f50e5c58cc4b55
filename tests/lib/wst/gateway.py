# SPDX-License-Identifier: Apache-2.0
"""
The process under test: written a configuration, started, listened to, asked for its metrics, stopped.

What is left out of a script's configuration is filled in, so that scripts show only what matters:
listen, admin, identity (a guest), keys, workers, a generous rate of handshakes. `gateway plain { ... }` holds members of a single
route /chat for everybody instead of a whole configuration.
"""
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

from . import Failed

DEFAULTS = (
    ("listen", 'listen: ["http://127.0.0.1:0"]'),
    ("admin", 'admin: {listen: "http://127.0.0.1:0"}'),
    ("identity", "identity: {guest: {anyone: true}}"),
    ("keys", "keys: keys/"),
    ("workers", "workers: 1"),
    ("limits", "limits: {handshakes_per_address: 2000/s burst 2000}"),
)
ROUTE_DEFAULTS = (
    ("path", "path: /chat"),
    ("origins", 'origins: {allow: ["https://shop.example"], missing: allowed}'),
    ("identify", "identify: [guest]"),
    ("upstream", "upstream: ${app}/chat"),
    ("contract", "contract: none"),
)
SANITIZER = re.compile(
    r"(ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer)")


def _has(text, key):
    return re.search(rf"^{key}:", text, re.M) is not None


def configuration(text, kind):
    """The whole sallyport.yaml for a script's block."""
    if kind == "plain":
        members = [line for key, line in ROUTE_DEFAULTS if not _has(text, key)]
        lines = members + [line for line in text.split("\n") if line.strip()]
        text = "routes:\n  -\n" + "".join(f"    {line}\n" for line in lines)
    return "".join(line + "\n" for key, line in DEFAULTS if not _has(text, key)) + text


class Gateway:
    """A running gateway; `listeners` are its public URLs in the order of the configuration."""

    def __init__(self, binary, folder, text, patience=3.0, environment=None):
        self.patience = patience
        self.lines = []             # of its log, as text
        self.listeners = []
        self.admin = None
        self.exit_code = None
        self.told_to_end = False
        self.at_rest = None         # open descriptors before the first client
        self._changed = threading.Condition()
        self.path = os.path.join(folder, "sallyport.yaml")
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(text)
        self.wanted = self._wanted_listeners(text)
        self.process = subprocess.Popen(
            [*binary, "serve", "-c", self.path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, cwd=folder, env={**os.environ, **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @staticmethod
    def _wanted_listeners(text):
        """How many listening lines to wait for: one per URL of `listen`, one for the admin listener."""
        m = re.search(r"^listen:(.*?)(?=^\S)", text + "\nend", re.M | re.S)
        return len(re.findall(r"https?://", m.group(1))) + (1 if _has(text, "admin") else 0)

    def _read(self):
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_ready(self):
        until = time.monotonic() + max(10.0, self.patience * 3)
        while True:
            said = [r for r in self.records() if r.get("event") == "listening"]
            if len(said) >= self.wanted:
                break
            if self.process.poll() is not None:
                self._reader.join(2)
                raise Failed("the gateway did not start:\n" + self.tail())
            if time.monotonic() > until:
                raise Failed(f"the gateway said {len(said)} of {self.wanted} listening lines:\n" + self.tail())
            with self._changed:
                self._changed.wait(0.05)
        for r in said:
            if r.get("for") == "admin" or r.get("admin"):
                self.admin = r["url"]
            else:
                self.listeners.append(r["url"])
        self.settle()

    def settle(self):
        """Waits until the processes open nothing more by themselves; how many descriptors that is."""
        seen = []
        if self.admin and self.admin.startswith("http://"):
            try:
                self.metrics()      # who answers has opened all that there is
            except Failed:
                pass
        while len(seen) < 50 and (len(seen) < 4 or len(set(seen[-4:])) > 1):
            seen.append(self.descriptors())
            time.sleep(0.01)
        self.at_rest = seen[-1]

    def descriptors(self):
        """Open in the gateway; its parent, which hears no client, gets the listening sockets when it has time."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
                pids = f.read().split()
            return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
        except OSError:
            return 0

    def records(self):
        out = []
        for line in list(self.lines):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                out.append(record)
        return out

    def tail(self, n=15):
        return "\n".join("    | " + line[:400] for line in self.lines[-n:])

    def url(self, scheme=None):
        for u in self.listeners:
            if not scheme or u.startswith(scheme + "://"):
                return urllib.parse.urlsplit(u)
        raise Failed(f"no {scheme} listener")

    def wait_log(self, fits, timeout):
        """The first record that fits, waiting for it; None."""
        until = time.monotonic() + timeout
        while True:
            for r in self.records():
                if fits(r):
                    return r
            left = until - time.monotonic()
            if left <= 0:
                return None
            with self._changed:
                self._changed.wait(min(left, 0.1))

    def metrics(self):
        """{name or name{labels}: value} of the admin listener."""
        if not self.admin:
            raise Failed("the gateway has no admin listener")
        at = urllib.parse.urlsplit(self.admin)
        c = http.client.HTTPConnection(at.hostname, at.port, timeout=self.patience)
        try:
            c.request("GET", "/metrics")
            answer = c.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as e:
            raise Failed(f"no metrics: {e!r}\n" + self.tail()) from None
        finally:
            c.close()
        if answer.status != 200:
            raise Failed(f"/metrics answers {answer.status}")
        out = {}
        for line in text.split("\n"):
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out

    def total(self, name, metrics=None):
        """The sum over all labels; None if there is no such metric."""
        found = [v for n, v in (metrics or self.metrics()).items() if n.split("{")[0] == name]
        return sum(found) if found else None

    def signal(self, word):
        self.told_to_end = self.told_to_end or word in ("TERM", "INT")
        self.process.send_signal(getattr(signal, "SIG" + word))

    def stop(self, timeout=15.0):
        """SIGTERM by its id, then the end; what is wrong with that end, or None."""
        if self.process.poll() is None and not self.told_to_end:  # a second one would end it at once
            self.signal("TERM")
        try:
            self.exit_code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "the gateway did not end within %.0fs of SIGTERM\n%s" % (timeout, self.tail())
        self._reader.join(2)
        for line in self.lines:
            if SANITIZER.search(line):
                return "a sanitizer speaks:\n" + self.tail(60)
        if self.exit_code != 0:
            return f"the gateway ended with {self.exit_code}\n{self.tail()}"
        return None
