# SPDX-License-Identifier: Apache-2.0
"""
A socket as a test wants it: sends in chunks of any size (TLS records cut in pieces too), reads while
it sends so that neither side starves, or on purpose reads nothing at all, ends politely or with a reset.
"""
import select
import socket
import ssl
import struct
import time


class Wire:
    def __init__(self, sock):
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.tls = None
        self.shaken = False     # the TLS handshake is over
        self.split = 0          # bytes per write, 0 = as many as fit
        self.deaf = False       # reads nothing
        self.received = bytearray()
        self.eof = False        # they ended, politely or not
        self.was_reset = False
        self.broken = False     # writing no longer works

    def start_tls(self, context, server_name, timeout, server=False):
        """Shakes hands, as a client or as the server; raises ssl.SSLError or TimeoutError."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=server,
                                    server_hostname=None if server else server_name)
        until = time.monotonic() + timeout
        while True:
            try:
                self.tls.do_handshake()
                self._push(self._out.read(), until)
                self.shaken = True
                self._decrypt()
                return
            except ssl.SSLWantReadError:
                self._push(self._out.read(), until)
                if self.eof:
                    raise ssl.SSLError("the connection ended in the TLS handshake") from None
                if time.monotonic() > until:
                    raise TimeoutError("TLS handshake") from None
                self._pull(0.05)

    def send(self, data, timeout=10.0):
        """Sends everything, or as much as the other side lets us: see `broken`."""
        until = time.monotonic() + timeout
        if not self.tls:
            self._push(data, until)
            return
        at = 0
        while at < len(data) and not self.broken:
            at += self.tls.write(data[at:at + 16384])
            self._push(self._out.read(), until)

    def read(self, timeout):
        """Waits for more into `received`. False when none came in time or they ended."""
        until = time.monotonic() + timeout
        before = len(self.received)
        while len(self.received) == before and not self.eof:
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._pull(left)
        return len(self.received) != before

    def shut(self):
        """No more from us; what they say is still read."""
        try:
            if self.tls:
                try:
                    self.tls.unwrap()
                except ssl.SSLError:
                    pass
                self._push(self._out.read(), time.monotonic() + 1)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.sock.close()
        self.eof = self.broken = True

    def reset(self):
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    # --- below: bytes as they travel

    def _push(self, data, until):
        at = 0
        while at < len(data) and not self.broken:
            end = at + self.split if self.split else len(data)
            try:
                at += self.sock.send(data[at:end])
                if self.split and at < len(data):
                    time.sleep(0.0005)  # lets each piece travel alone
            except (BlockingIOError, InterruptedError):
                if time.monotonic() > until:
                    self.broken = True
                    return
                self._wait_to_write()
            except OSError:
                self.broken = True

    def _wait_to_write(self):
        listen = [] if self.deaf or self.eof else [self.sock]
        ready, _, _ = select.select(listen, [self.sock], [], 0.1)
        if ready:
            self._pull(0)

    def _pull(self, timeout):
        if self.eof:
            return
        if not select.select([self.sock], [], [], timeout)[0]:
            return
        try:
            data = self.sock.recv(1 << 18)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.eof = self.was_reset = True
            return
        if not data:
            self.eof = True
            return
        if not self.tls:
            self.received += data
            return
        self._in.write(data)
        if self.shaken:
            self._decrypt()

    def _decrypt(self):
        while True:
            try:
                piece = self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLZeroReturnError:
                piece = b""
            except ssl.SSLError:
                self.was_reset = True
                piece = b""
            if not piece:
                self.eof = True
                return
            self.received += piece


def dial(host, port, source=None, receive_buffer=0, timeout=5.0):
    sock = socket.socket()
    try:
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(timeout)
        if source:
            sock.bind((source, 0))
        sock.connect((host, port))
    except OSError:
        sock.close()
        raise
    return Wire(sock)
