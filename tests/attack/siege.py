# SPDX-License-Identifier: Apache-2.0
"""Connections from thousands of addresses, each within its limits, that never become sessions: who is known gets in."""
import time

from field import Failed, honest, say

SAYS = "a siege from many addresses"
MANY = 400
AT_ONCE = 300
CONFIG = """
admin: {listen: "http://127.0.0.1:0"}
identity:
  session: {cookie: {name: sid, verify: "http://{ws}/whoami"}}
  ticket: {ticket: {from: [session], ttl: 60s, bind: [route]}}
limits: {connections: 100, handshake_timeout: 20s}
siege: {handshakes: 50, calm: 60s}
routes:
  - {path: /echo, origins: same, identify: [ticket], upstream: "ws://{ws}/echo", contract: none}
  - {path: /open, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [anyone], upstream: "ws://{ws}/echo", contract: none}
"""


def besiege(field, where, number):
    """Half a head, and no more; each from an address of its own."""
    peer = field.visit(where, "one of many", f"127.{64 + number // 200}.{1 + number % 200}.1")
    while len(field.visitors) > AT_ONCE:  # the oldest have been thrown out long ago
        field.visitors.pop(0).wire.close()
    peer.do_raw('"GET /open HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nX-a: "')


def naked(field):
    for i in range(60):
        besiege(field, "toy", i)
    victim = field.visit("toy", source="127.0.0.77")
    say(victim, "GET /echo")
    if victim.wire.read(1.0):
        raise Failed("the toy server still answers")
    return "nobody else is served"


def guarded(field):
    guard = field.gateway(CONFIG)
    origin = f"Origin: {field.world.variables['origin']}"
    tickets = [field.ticket("/echo", "sid=session-of-alice") for _ in range(3)]
    for i in range(MANY):
        besiege(field, "gateway", i)
        if i in (100, 250):
            honest(field, "/echo", f"Sec-WebSocket-Protocol: sallyport.ticket.{tickets.pop()}", origin)
    until = time.monotonic() + 20
    while guard.total("sallyport_siege_level") < 2:
        if time.monotonic() > until:
            raise Failed("the level does not rise")
        besiege(field, "gateway", MANY + int(time.monotonic() * 1000) % 4000)
    nobody = field.visit("gateway", "nobody", "127.0.0.88")
    say(nobody, "GET /open")
    nobody.expect("503  reason siege", False)
    honest(field, "/echo", f"Sec-WebSocket-Protocol: sallyport.ticket.{tickets.pop()}", origin)
    if guard.total("sallyport_connections") > 100 + 256:
        raise Failed("more connections than there may be")
    field.expect_counted("siege", 50)
    return "siege"
