# SPDX-License-Identifier: Apache-2.0
"""
Bytes as scripts write them:

    "text with \\r\\n \\x00 \\u00e9"     UTF-8; \\xHH is a byte
    hex(81 05) zeros(100) random(16) token
    deflate("...")                    raw DEFLATE as permessage-deflate sends it (tail taken off)
    deflate_final("...")              with BFINAL set, tail not taken off
    "ab"*1000 + "c"                   repeated, joined

A bare word is a variable of the script.
"""
import os
import re
import zlib

from . import Failed

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(\d+)|([A-Za-z_][\w.]*)|([()+*,]))')
_ESCAPE = re.compile(r'\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)')
_SHORT = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", '"': b'"', "\\": b"\\"}


def unquote(text):
    """The bytes of a quoted string, quotes included in `text`."""
    out = bytearray()
    at = 1
    end = len(text) - 1
    while at < end:
        m = _ESCAPE.match(text, at)
        if not m:
            out += text[at].encode()
            at += 1
            continue
        e = m.group(1)
        if e[0] == "x" and len(e) == 3:
            out.append(int(e[1:], 16))
        elif e[0] == "u" and len(e) == 5:
            out += chr(int(e[1:], 16)).encode("utf-8", "surrogatepass")
        elif e in _SHORT:
            out += _SHORT[e]
        else:
            raise Failed(f"unknown escape \\{e}")
        at = m.end()
    return bytes(out)


def deflate(data, final=False):
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    if final:
        return z.compress(data) + z.flush(zlib.Z_FINISH)
    out = z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH)
    assert out.endswith(b"\0\0\xff\xff")
    return out[:-4]


class _Reader:
    def __init__(self, text, variables):
        self.text = text
        self.at = 0
        self.variables = variables

    def next(self):
        m = _TOKEN.match(self.text, self.at)
        if not m:
            if self.text[self.at:].strip():
                raise Failed(f"cannot read {self.text[self.at:]!r}")
            return None, None
        self.at = m.end()
        return m.lastindex, m.group(m.lastindex)

    def peek(self):
        before = self.at
        found = self.next()
        self.at = before
        return found

    def want(self, mark):
        if self.next() != (4, mark):
            raise Failed(f"wanted {mark} in {self.text!r}")

    def number(self):
        kind, text = self.next()
        if kind != 2:
            raise Failed(f"wanted a number in {self.text!r}")
        return int(text)

    def sum(self):
        out = self.product()
        while self.peek() == (4, "+"):
            self.next()
            out += self.product()
        return out

    def product(self):
        out = self.atom()
        while self.peek() == (4, "*"):
            self.next()
            out *= self.number()
        return out

    def atom(self):
        kind, text = self.next()
        if kind == 1:
            return unquote(text)
        if kind == 3 and self.peek() == (4, "("):
            return self.call(text)
        if kind == 3 and text in self.variables:
            return str(self.variables[text]).encode()
        raise Failed(f"wanted bytes, not {text!r}, in {self.text!r}")

    def call(self, name):
        self.want("(")
        if name == "hex":
            end = self.text.index(")", self.at)
            out = bytes.fromhex(self.text[self.at:end])
            self.at = end
        elif name in ("zeros", "random"):
            n = self.number()
            out = bytes(n) if name == "zeros" else os.urandom(n)
        elif name in ("deflate", "deflate_final"):
            out = deflate(self.sum(), name == "deflate_final")
        else:
            raise Failed(f"no such function: {name}")
        self.want(")")
        return out


def evaluate(text, variables=()):
    """The bytes that an expression stands for; the empty text is no bytes."""
    if not text.strip():
        return b""
    reader = _Reader(text, dict(variables))
    out = reader.sum()
    if reader.next() != (None, None):
        raise Failed(f"too much in {text!r}")
    return out
