# SPDX-License-Identifier: Apache-2.0
"""A credential that leaked is used again, by two hundred connections at the same moment."""
import threading

from field import Failed, say

SAYS = "replay of a leaked credential"
MANY = 200
CONFIG = """
limits: {connections_per_address: 1000, handshakes_per_address: 2000/s burst 2000}
identity:
  session: {cookie: {name: sid, verify: "http://{ws}/whoami"}}
  ticket: {ticket: {from: [session], ttl: 30s, bind: [origin, route]}}
workers: 2
routes:
  - {path: /echo, origins: same, identify: [ticket], upstream: "ws://{ws}/echo", contract: none}
"""


def all_at_once(field, where, path, *headers):
    """{status: how many}, of connections that say their request in the same moment."""
    counts = {}
    lock = threading.Lock()
    peers = [field.visit(where) for _ in range(MANY)]
    start = threading.Barrier(MANY)

    def one(peer):
        start.wait()
        say(peer, f"GET {path}", *headers)
        status = peer.read_head("an answer").status
        with lock:
            counts[status] = counts.get(status, 0) + 1

    threads = [threading.Thread(target=one, args=(p,)) for p in peers]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    return counts


def naked(field):
    counts = all_at_once(field, "ws", "/token?token=good")
    if counts != {101: MANY}:
        raise Failed(f"wanted {MANY} times 101, got {counts}")
    return f"one token opens {MANY} sockets"


def guarded(field):
    field.gateway(CONFIG)
    origin = "Origin: " + field.world.variables["origin"]
    ticket = field.ticket("/echo", "sid=session-of-alice")
    counts = all_at_once(field, "gateway", "/echo", origin, f"Sec-WebSocket-Protocol: sallyport.ticket.{ticket}")
    if counts != {101: 1, 401: MANY - 1}:
        raise Failed(f"wanted one 101, got {counts}")
    ticket = field.ticket("/echo", "sid=session-of-bob")
    bob = field.open("gateway", f"/echo?ticket={ticket}", origin)
    bob.do_text('"hi"')
    bob.expect('text "hi"', False)
    return field.expect_counted("ticket_used", MANY - 1)
