# SPDX-License-Identifier: Apache-2.0
"""Frames that no browser sends: unmasked, or with lengths that nobody means."""
import time

from field import Failed, honest

SAYS = "frames that break RFC 6455"
CONFIG = """
routes:
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{toy}/echo", contract: none}
"""


def naked(field):
    plain = field.open("toy", "/echo")
    plain.do_hex("81 02 68 69")
    plain.expect('text "hi"', False)
    before = field.memory("VmSize")
    greedy = field.open("toy", "/echo")
    greedy.do_frame("binary form=64 claim=0x40000000 zeros(10)")
    until = time.monotonic() + 5
    while field.memory("VmSize") - before < 900:
        if time.monotonic() > until:
            raise Failed("no memory was taken")
        time.sleep(0.05)
    return "an unmasked frame is taken, and twenty bytes take a gigabyte"


def guarded(field):
    field.gateway(CONFIG)
    before = field.memory("VmSize", field.guard.process.pid)
    rows = (
        ("hex", "81 02 68 69", 1002, "ws_unmasked"),
        ("frame", "binary form=64 claim=0x40000000 zeros(10)", 1009, "message_too_big"),
        ("frame", "binary form=64 claim=0x7fffffffffffffff zeros(10)", 1009, "message_too_big"),
        ("hex", "82 ff ff ff ff ff ff ff ff ff 00 00 00 00", 1002, "ws_length"),
        ("frame", 'text form=64 "hi"', 1002, "ws_length"),
        ("frame", 'text rsv1 "hi"', 1002, "ws_reserved_bits"),
        ("frame", '0x3 "hi"', 1002, "ws_opcode"),
        ("frame", 'ping fin=0 ""', 1002, "ws_fragment"),
    )
    for verb, what, code, reason in rows:
        mallory = field.open("gateway", "/echo")
        getattr(mallory, "do_" + verb)(what)
        mallory.expect(f"close {code}  reason {reason}", False)
        mallory.do_closed("")
        field.expect_counted(reason)
    if field.memory("VmSize", field.guard.process.pid) - before > 200 and not field.sanitized():
        raise Failed("the gateway took memory for a declared length")
    honest(field)
    return "ws_unmasked, message_too_big, ws_length ..."
