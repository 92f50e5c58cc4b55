# SPDX-License-Identifier: Apache-2.0
"""Connections that never finish their request take the places of those who would."""
import time

from field import Failed, honest, say

SAYS = "slow loris"
MANY = 60
CONFIG = """
limits: {handshake_timeout: 1s, connections_per_address: 40, connections_per_prefix: 200, handshakes_per_address: 500/s burst 500}
routes:
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/echo", contract: none}
"""


def besiege(field, where):
    lorises = [field.visit(where, "loris", "127.0.0.66") for _ in range(MANY)]
    for l in lorises:
        l.do_raw('"GET /echo HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nX-a: "')
    return lorises


def drip(lorises, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for l in lorises:
            l.do_raw('"b"')
        time.sleep(0.1)


def naked(field):
    drip(besiege(field, "toy"), 1.5)
    victim = field.visit("toy", source="127.0.0.77")
    say(victim, "GET /echo")
    if victim.wire.read(1.0):
        raise Failed("the toy server still answers")
    return "nobody else is served"


def guarded(field):
    field.gateway(CONFIG)
    lorises = besiege(field, "gateway")
    honest(field)
    drip(lorises, 1.5)
    for l in lorises:
        l.do_gone("within 3s")
    honest(field)
    field.expect_counted("connection_limit", MANY - 40)
    return field.expect_counted("handshake_timeout", 30)
