# SPDX-License-Identifier: Apache-2.0
"""Somebody asks for a lot and reads nothing: whoever buffers for him runs out of memory."""
import time

from field import Failed, honest

SAYS = "a reader that never reads"
CONFIG = """
routes:
  - path: /room
    origins: {allow: ["https://shop.example"], missing: allowed}
    identify: [guest]
    upstream: ws://{ws}/room
    contract: none
    limits: {slow_reader: 700ms, buffered: 256KiB, message_size: 1MiB, bytes: 1GiB/s burst 1GiB}
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/echo", contract: none}
"""
MEGABYTES = 60


def talk(field, where):
    """A deaf member in a room where another says MEGABYTES. Returns (talker, sloth)."""
    sloth = field.open(where, "/room", name="sloth", receive_buffer=4096)
    sloth.do_deaf("")
    talker = field.open(where, "/room", name="talker")
    for _ in range(MEGABYTES * 2):
        talker.do_binary("zeros(500000)")
        while talker.wire.read(0):
            pass
        talker.wire.received.clear()
    return talker, sloth


def naked(field):
    before = field.memory()
    talk(field, "ws")
    time.sleep(0.5)
    grown = field.memory() - before
    if grown < MEGABYTES / 2:
        raise Failed(f"grew by {grown:.0f} MB only")
    return f"the application holds {grown:.0f} MB more for one reader"


def guarded(field):
    guard = field.gateway(CONFIG)
    before = field.memory(pid=guard.process.pid)
    _, sloth = talk(field, "gateway")
    honest(field)
    until = time.monotonic() + 10
    while not field.counted("slow_reader") and time.monotonic() < until:
        time.sleep(0.1)
    grown = field.memory(pid=guard.process.pid) - before
    if grown > 60 and not field.sanitized():
        raise Failed(f"the gateway grew by {grown:.0f} MB")
    sloth.do_hear("")
    sloth.do_gone("within 10s")
    honest(field)
    return field.expect_counted("slow_reader")
