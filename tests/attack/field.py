# SPDX-License-Identifier: Apache-2.0
"""
Where an attack takes place: the naked servers, the gateway before them, and people who visit both.

An attack is a module of this folder with

    SAYS                    the weakness, in a few words
    def naked(field)        fires the attack at the naked server; returns what it got out of it
    def guarded(field)      starts field.gateway(...), fires the same attack at it, sees it refused for the
                            right reason, and sees an honest user served; returns the reason

Both raise Failed when it is otherwise. A test that passes because the attack was mistyped is thereby impossible.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from wst import Failed, codec, wire  # noqa: E402,F401
from wst.gateway import Gateway, configuration  # noqa: E402
from wst.peer import Peer  # noqa: E402
from wst.play import World  # noqa: E402


class Field:
    def __init__(self, binary, patience=4.0, environment=None):
        self.binary = binary
        self.environment = environment
        self.world = World(patience)
        self.folder = tempfile.mkdtemp(prefix="attack-")
        self.log_path = os.path.join(self.folder, "access.log")
        self.process = subprocess.Popen(["/usr/bin/python3", os.path.join(HERE, "naked.py"), "--log", self.log_path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the naked servers did not start: they need python3-websockets")
        self.ports = json.loads(line)
        self.guard = None
        self.visitors = []
        self.helpers = []       # processes that were started beside them: see lab.py

    # --- the two sides

    def gateway(self, text):
        """Starts the gateway; {ws}, {toy} ... stand for host:port of the naked servers."""
        for name, port in self.ports.items():
            text = text.replace("{%s}" % name, f"127.0.0.1:{port}")
        self.guard = Gateway(self.binary, self.folder, configuration(text, ""), self.world.patience, self.environment)
        self.guard.wait_ready()
        self.world.variables["origin"] = f"http://{self.guard.url().netloc}"
        return self.guard

    def visit(self, where, name="visitor", source=None, receive_buffer=0):
        """A new connection to a naked server, or to the gateway (where = "gateway")."""
        port = self.guard.url().port if where == "gateway" else self.ports[where]
        try:
            w = wire.dial("127.0.0.1", port, source, receive_buffer, self.world.patience)
        except OSError as e:
            raise Failed(f"{name} cannot connect: {e}") from None
        self.world.hosts[name] = f"127.0.0.1:{port}"
        peer = Peer(w, name, self.world, client=True)
        self.visitors.append(peer)
        return peer

    def open(self, where, path, *headers, **how):
        """A visitor after a 101."""
        peer = self.visit(where, **how)
        say(peer, f"GET {path}", *headers)
        peer.expect("101", False)
        return peer

    def ticket(self, route, cookie, source=None):
        """As the page does it: a CSRF token, then a ticket."""
        peer = self.visit("gateway", "page", source)
        origin = self.world.variables["origin"]
        peer.do_http(f"GET /.sallyport/csrf  Cookie: {cookie}  Origin: {origin}")
        peer.expect("200  save csrf json csrf", False)
        csrf = self.world.variables["csrf"]
        body = json.dumps({"route": route})
        peer.do_http(f"POST /.sallyport/ticket  Sallyport: 1  Sallyport-CSRF: {csrf}  Cookie: {cookie}"
                     f"  Origin: {origin}  Body: {body}")
        peer.expect("201  save ticket json ticket", False)
        peer.wire.close()
        return self.world.variables["ticket"]

    # --- looking closely

    def access_log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def memory(self, what="VmRSS", pid=None):
        """Megabytes that the naked servers (or another process) use."""
        with open(f"/proc/{pid or self.process.pid}/status", encoding="utf-8") as f:
            for line in f:
                if line.startswith(what + ":"):
                    return int(line.split()[1]) / 1024
        return 0.0

    def sanitized(self):
        """The gateway was built with a sanitizer: its memory says nothing."""
        with open(f"/proc/{self.guard.process.pid}/maps", encoding="utf-8") as f:
            return any("libasan" in line or "libtsan" in line for line in f)

    def counted(self, reason):
        return self.guard.metrics().get('sallyport_refused_total{reason="%s"}' % reason, 0)

    def expect_counted(self, reason, at_least=1):
        got = self.counted(reason)
        if got < at_least:
            raise Failed(f"{reason} was counted {got:g} times, wanted {at_least}")
        return reason

    # --- the end

    def stop(self):
        """Ends what was started, by id; what was wrong with the gateway's end, or None."""
        for peer in self.visitors:
            peer.wire.close()
        problem = self.guard.stop() if self.guard else None
        for process in (self.process, *self.helpers):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        self.process.stdin.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return problem


def say(peer, first, *headers):
    """A handshake with these header edits (see wst/peer.py)."""
    peer.say_http("  ".join([first, *headers]))


def honest(field, path="/echo", *headers, source="127.0.0.77", text="honest"):
    """An honest user is served, now."""
    peer = field.open("gateway", path, *headers, name="honest", source=source)
    peer.do_text(f'"{text}"')
    peer.expect(f'text "{text}"', False)
    peer.do_close("1000")
    peer.expect("close 1000", False)
