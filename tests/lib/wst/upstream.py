# SPDX-License-Identifier: Apache-2.0
"""
Applications for the gateway to talk to.

    app NAME echo            a healthy WebSocket application that sends back what it gets
    app NAME closed          nobody listens there
    app NAME mute            takes connections, reads, never answers
    app NAME deaf            takes connections, never reads (its receive buffer is small)
    app NAME { ... }         every connection runs these verbs; then it lives on as an echo does not: it just reads
    app NAME answers { ... } ordinary HTTP, for `verify`. Lines, the first that fits decides:
        when Cookie: sid=alice  200  {"sub": "alice"}
        when Cookie: sid=slow  hang
        once Cookie: sid=bob   200  {"sub": "bob"}      only the first time
        else 401
    app NAME unix ...        the same on a unix socket
    app NAME tls=CERT ...    the same over TLS, with a certificate that the script has made
"""
import select
import socket
import ssl
import threading

from . import Failed, codec, http1
from .peer import Peer, Stopped
from .script import fields
from .wire import Wire


class App:
    def __init__(self, name, kind, statements, world, unix=None, certificate=None):
        self.name = name
        self.certificate = certificate      # path of a PEM file with certificate and key
        self.kind = kind
        self.statements = statements
        self.world = world
        self.failures = []
        self.spent = []             # the `once` lines that were used
        self.seen = []              # request heads, in the order they came
        self.open = set()
        self.threads = []
        self.stopping = False
        self.lock = threading.Lock()
        self.listen_at(unix)
        if kind != "closed":
            self.sock.listen(256)
            self.thread = threading.Thread(target=self.accept, daemon=True)
            self.thread.start()

    def listen_at(self, unix):
        self.sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if unix:
            self.sock.bind(unix)
            self.url, self.port = f"ws+unix://{unix}:", 0
            return
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.kind == "deaf":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.url = f"{'wss' if self.certificate else 'ws'}://{'localhost' if self.certificate else '127.0.0.1'}:{self.port}"

    def secure(self, wire):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        wire.start_tls(context, None, self.world.patience, server=True)

    def accept(self):
        while not self.stopping:
            if not select.select([self.sock], [], [], 0.1)[0]:
                continue
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            wire = Wire(sock)
            with self.lock:
                self.open.add(wire)
            thread = threading.Thread(target=self.serve, args=(wire,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, wire):
        peer = Peer(wire, self.name, self.world, client=False)
        try:
            if self.certificate:
                self.secure(wire)
            if self.kind == "script":
                peer.run(self.statements)
                self.linger(peer)
            else:
                getattr(self, "serve_" + self.kind)(peer)
        except Stopped as f:
            self.failures.append(Failed(f"{self.name}: still waited when all was over", f.line))
        except Failed as f:
            self.failures.append(f)
        except (OSError, ssl.SSLError):
            pass
        finally:
            with self.lock:
                self.open.discard(wire)
            wire.close()

    def linger(self, peer):
        """After its verbs an application answers a close and stays until it is left."""
        while not peer.wire.eof:
            frame = peer.read_frame(0.2)
            if frame and frame.opcode == 8:
                peer.send_frame(8, frame.payload[:2])
                return
            if self.stopping and not frame:
                return

    def serve_echo(self, peer):
        head = http1.take_head(peer.wire, self.world.long)
        if head is None:
            return
        self.seen.append(head)
        peer.request = head
        peer.key = head.get("Sec-WebSocket-Key")
        offered = head.get("Sec-WebSocket-Protocol")
        extra = ["Sec-WebSocket-Protocol: " + offered.split(",")[0].strip()] if offered else []
        peer.answer(["101"] + extra)
        while not peer.wire.eof and not self.stopping:
            frame = peer.read_frame(1.0)
            if not frame:
                continue
            if frame.rsv:
                raise Failed(f"{self.name}: reserved bits from the gateway: {frame}")
            if frame.opcode == 9:
                peer.send_frame(10, frame.payload)
            elif frame.opcode == 8:
                peer.send_frame(8, frame.payload)
                peer.wire.shut()
                peer.wire.read(1.0)
                return
            elif frame.opcode != 10:
                peer.wire.send(codec.encode(frame.opcode, frame.payload, fin=frame.fin), timeout=self.world.long)

    def serve_mute(self, peer):
        while not peer.wire.eof and not self.stopping:
            peer.wire.read(0.2)

    def serve_deaf(self, peer):
        head = http1.take_head(peer.wire, self.world.long)
        if head is None:
            return
        peer.request = head
        peer.key = head.get("Sec-WebSocket-Key")
        peer.answer(["101"])
        peer.wire.deaf = True
        self.world.over.wait()

    def serve_answers(self, peer):
        while not peer.wire.eof and not self.stopping:
            head = http1.take_head(peer.wire, self.world.long)
            if head is None:
                return
            http1.take_body(peer.wire, head, self.world.long, request=True)
            self.seen.append(head)
            if not self.answer(peer, head):
                return

    def answer(self, peer, head):
        for s in self.statements:
            parts = fields(s.text)
            conditional = parts[0].startswith(("when ", "once "))
            if conditional:
                name, _, value = parts[0][5:].partition(":")
                if value.strip() not in (head.get(name) or ""):
                    continue
                if parts[0].startswith("once "):
                    with self.lock:
                        if s in self.spent:
                            continue
                        self.spent.append(s)
            rest = parts[1:] if conditional else parts[0].split()[1:] + parts[1:]
            if rest[0] == "hang":
                self.world.over.wait(self.world.long)
                return False
            if rest[0] == "drop":
                return False
            body = ["Body: " + self.world.fill(rest[1])] if len(rest) > 1 else []
            peer.answer([rest[0], "Content-Type: application/json"] + body)
            return True
        peer.answer(["404"])
        return True

    def settle(self):
        """A moment for scripted applications to finish by themselves, before all is over."""
        self.stopping = True
        if self.kind == "script":
            for t in self.threads:
                t.join(0.5)

    def stop(self):
        """Ends every connection; a scripted application that still waited for something says so."""
        self.stopping = True
        with self.lock:
            for wire in self.open:
                try:
                    wire.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        for t in self.threads:
            t.join(self.world.long)
        self.sock.close()
