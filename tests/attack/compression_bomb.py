# SPDX-License-Identifier: Apache-2.0
"""Sixty kilobytes that become sixty megabytes."""
from field import honest

SAYS = "a compression bomb"
OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
CONFIG = """
routes:
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/echo", contract: none, compression: on}
"""


def throw(field, where, size):
    mallory = field.open(where, "/echo", OFFER)
    mallory.do_frame(f'text rsv1 deflate("a"*{size})')
    return mallory


def naked(field):
    mallory = throw(field, "ws", 60000000)
    mallory.expect('text "got 60000000"', False)
    return "60 MB unpacked for 60 KB sent"


def guarded(field):
    field.gateway(CONFIG)
    throw(field, "gateway", 60000000).expect("close 1009  reason message_too_big", False)
    throw(field, "gateway", 60000).expect("close 1007  reason ws_inflate", False)
    alice = field.open("gateway", "/echo", OFFER)
    alice.do_frame('text rsv1 deflate("good morning, good morning, good morning")')
    alice.expect('text "good morning, good morning, good morning"', False)
    honest(field)
    field.expect_counted("message_too_big")
    return field.expect_counted("ws_inflate")
