# SPDX-License-Identifier: Apache-2.0
"""Hundreds of handshakes from one address."""
from field import Failed, honest, say

SAYS = "a flood of handshakes"
MANY = 300
CONFIG = """
limits: {handshakes_per_address: 20/s burst 40}
routes:
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/echo", contract: none}
"""


def flood(field, where):
    counts = {}
    for _ in range(MANY):
        peer = field.visit(where, "mallory", "127.0.0.66")
        say(peer, "GET /echo")
        status = peer.read_head("an answer").status
        counts[status] = counts.get(status, 0) + 1
        peer.wire.reset()
    return counts


def naked(field):
    counts = flood(field, "ws")
    if counts != {101: MANY}:
        raise Failed(f"got {counts}")
    return f"{MANY} handshakes, {MANY} times 101"


def guarded(field):
    field.gateway(CONFIG)
    counts = flood(field, "gateway")
    if set(counts) != {101, 429} or counts[101] > 150:
        raise Failed(f"got {counts}")
    honest(field)
    return field.expect_counted("handshake_rate", MANY - 150)
