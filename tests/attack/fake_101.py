# SPDX-License-Identifier: Apache-2.0
"""Something behind a proxy can be made to say 101; the proxy then joins both sides and its rules are bypassed."""
from field import honest, say

SAYS = "tunnel through a faked 101"
JEWELS = "crown jewels"
CONFIG = """
routes:
  - {path: /health, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{pages}/health", contract: none, forward: {headers: [x-status]}}
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/echo", contract: none}
"""
SECOND = '"GET /internal HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"'


def naked(field):
    polite = field.visit("proxy")
    polite.do_http("GET /internal")
    polite.expect("403", False)
    mallory = field.visit("proxy")
    mallory.do_http("POST /health  X-Status: 101  Upgrade: websocket  Connection: Upgrade")
    mallory.read_head("a 101")
    mallory.do_raw(SECOND)
    mallory.expect(f"200  body ~ {JEWELS}", False)
    return "the page that the proxy forbids"


def guarded(field):
    field.gateway(CONFIG)
    # a full handshake, answered by something that is no WebSocket application
    mallory = field.visit("gateway")
    say(mallory, "GET /health", "X-Status: 101")
    mallory.expect("502  reason upstream_failed", False)
    mallory.do_raw(SECOND)
    mallory.do_closed("")
    # no handshake at all
    mallory = field.visit("gateway")
    mallory.do_http("POST /health  X-Status: 101  Upgrade: websocket  Connection: Upgrade")
    mallory.expect("405  reason method_not_allowed", False)
    mallory.do_closed("")
    # the second request in the same packet
    mallory = field.visit("gateway")
    mallory.do_raw('"GET /health HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nX-Status: 101\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade'
                   '\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n" + ' + SECOND)
    mallory.expect("400  reason handshake_malformed", False)
    mallory.do_closed("")
    honest(field)
    return field.expect_counted("upstream_failed")
