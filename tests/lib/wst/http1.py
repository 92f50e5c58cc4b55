# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 heads and bodies as both ends of a test read them: strictly, and as they came."""
from dataclasses import dataclass, field


@dataclass
class Head:
    first: str                                      # request line or status line
    headers: list = field(default_factory=list)     # (name, value) in order
    body: bytes = b""

    @property
    def status(self):
        return int(self.first.split(" ", 2)[1])

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name):
        found = self.all(name)
        return found[0] if found else None


def parse_head(raw):
    """A Head from bytes that end in an empty line. Raises ValueError for sloppy ones."""
    lines = raw[:-4].decode("latin-1").split("\r\n")
    head = Head(lines[0])
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or "\n" in line or "\r" in line:
            raise ValueError(f"bad header line {line!r}")
        head.headers.append((name, value.strip()))
    return head


def take_head(wire, timeout):
    """Reads a head from the wire and takes it out of `received`; None if none came in time."""
    while True:
        end = wire.received.find(b"\r\n\r\n")
        if end >= 0:
            raw = bytes(wire.received[:end + 4])
            del wire.received[:end + 4]
            return parse_head(raw)
        if not wire.read(timeout):
            return None


def take_body(wire, head, timeout, request=False):
    """The body that the head announces, or all until the end of the connection."""
    if "chunked" in (head.get("Transfer-Encoding") or "").lower():
        head.body = _take_chunks(wire, timeout)
        return
    length = head.get("Content-Length")
    if length is None and (request or head.status in (101, 204, 304)):
        return
    while (length is None or len(wire.received) < int(length)) and wire.read(timeout):
        pass
    end = len(wire.received) if length is None else int(length)
    head.body = bytes(wire.received[:end])
    del wire.received[:end]
    if length is not None and len(head.body) < end:
        raise ValueError(f"body of {len(head.body)} bytes where {end} were announced")


def _take_line(wire, timeout):
    while b"\r\n" not in wire.received:
        if not wire.read(timeout):
            raise ValueError("a chunk without its line")
    line, _, rest = bytes(wire.received).partition(b"\r\n")
    wire.received[:] = rest
    return line


def _take_chunks(wire, timeout):
    out = bytearray()
    while True:
        size = int(_take_line(wire, timeout), 16)
        while len(wire.received) < size + 2:
            if not wire.read(timeout):
                raise ValueError("a chunk without its end")
        out += wire.received[:size]
        del wire.received[:size + 2]
        if size == 0:
            return bytes(out)
