# SPDX-License-Identifier: Apache-2.0
"""
RFC 6455 frames, written from the RFC for the tests: able to write what is forbidden, strict about what it reads.
"""
import base64
import hashlib
import os
import struct
from dataclasses import dataclass

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
OPCODES = {"continuation": 0, "text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
NAMES = {code: name for name, code in OPCODES.items()}


def accept_for(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def mask(data, key):
    if not data:
        return b""
    n = len(data)
    stream = (key * (n // 4 + 1))[:n]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(n, "big")


def encode(opcode, payload, fin=True, rsv=0, key=None, form=None, claim=None):
    """
    One frame. key: four bytes, or None for an unmasked one. form: 7, 16 or 64 bits of length
    whatever would be right; claim: the length that the head declares, whatever follows.
    """
    length = len(payload) if claim is None else claim
    if form is None:
        form = 7 if length < 126 else 16 if length < 65536 else 64
    masked = 0x80 if key is not None else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([masked | length])
    elif form == 16:
        head += struct.pack("!BH", masked | 126, length)
    else:
        head += struct.pack("!BQ", masked | 127, length)
    if key is None:
        return head + payload
    return head + key + mask(payload, key)


@dataclass
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    key: bytes = None

    def __str__(self):
        name = NAMES.get(self.opcode, f"opcode {self.opcode}")
        if self.opcode == 8 and len(self.payload) >= 2:
            code, reason = close_of(self.payload)
            return f"close {code} {reason!r}"
        shown = self.payload[:60] + (b"..." if len(self.payload) > 60 else b"")
        extra = ("" if self.fin else " not final") + (f" rsv={self.rsv}" if self.rsv else "")
        return f"{name} of {len(self.payload)} {shown!r}{extra}"


def decode(buffer):
    """
    The first frame of a bytearray, taken out of it; None if it is not there yet.
    Raises ValueError for what neither side of a healthy connection sends.
    """
    if len(buffer) < 2:
        return None
    b0, b1 = buffer[0], buffer[1]
    at = 2
    length = b1 & 0x7F
    if length == 126:
        if len(buffer) < 4:
            return None
        (length,) = struct.unpack_from("!H", buffer, 2)
        at = 4
        if length < 126:
            raise ValueError("length not in its shortest form")
    elif length == 127:
        if len(buffer) < 10:
            return None
        (length,) = struct.unpack_from("!Q", buffer, 2)
        at = 10
        if length < 65536 or length >> 63:
            raise ValueError("length not in its shortest form")
    key = None
    if b1 & 0x80:
        key = bytes(buffer[at:at + 4])
        at += 4
    if len(buffer) < at + length:
        return None
    payload = bytes(buffer[at:at + length])
    del buffer[:at + length]
    opcode = b0 & 15
    fin = bool(b0 & 0x80)
    if opcode not in NAMES:
        raise ValueError(f"opcode {opcode}")
    if opcode >= 8 and (not fin or length > 125):
        raise ValueError("a control frame that is long or fragmented")
    return Frame(opcode, mask(payload, key) if key else payload, fin, b0 >> 4 & 7, key)


def close_of(payload):
    """(code, reason) of a close frame's payload; (None, "") of an empty one."""
    if not payload:
        return None, ""
    return struct.unpack_from("!H", payload)[0], payload[2:].decode("utf-8", "replace")


def close_payload(code, reason=b""):
    return b"" if code is None else struct.pack("!H", code) + reason
